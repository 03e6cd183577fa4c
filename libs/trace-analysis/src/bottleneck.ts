import { type Segment } from './critical.path.js';
import { type Model } from './model.js';
import { type WhatIf } from './what-if.js';

export interface StageCost {
  readonly stage: string;
  /** Share of the makespan that the critical path spends in the stage or waiting in it, 0-1. */
  readonly share: number;
  readonly workUs: number;
  readonly waitUs: Readonly<Record<string, number>>;
}
/** A smaller saving than this is noise. */
const WORTH = 0.02;

/** The stages by what the critical path spends on them, waits in front of and inside their tasks included. */
export function rankStages(path: readonly Segment[], makespanUs: number): StageCost[] {
  const costs = new Map<string, { workUs: number; waitUs: Record<string, number> }>();
  for (const { stage, startUs, endUs, kind, waitClass } of path) {
    if (stage === undefined) continue;
    const cost = costs.get(stage) ?? { workUs: 0, waitUs: {} };
    if (kind === 'work') cost.workUs += endUs - startUs;
    else if (waitClass !== undefined) cost.waitUs[waitClass] = (cost.waitUs[waitClass] ?? 0) + endUs - startUs;
    costs.set(stage, cost);
  }
  return [...costs]
    .map(([stage, cost]) => {
      const us = cost.workUs + Object.values(cost.waitUs).reduce((sum, wait) => sum + wait, 0);
      return { stage, ...cost, share: makespanUs === 0 ? 0 : us / makespanUs };
    })
    .sort((a, b) => b.share - a.share);
}

const seconds = (us: number): string => `${(us / 1e6).toFixed(1)} s`;
const percent = (part: number): string => `${Math.round(part * 100)} %`;

/** What to do about the first of the ranking, in one sentence. */
export function adviceFor(model: Model, worst: StageCost, changes: readonly WhatIf[]): string {
  const { makespanUs } = model.index;
  const saving = (one: WhatIf): number => (makespanUs === 0 ? 0 : 1 - one.predictedUs / makespanUs);
  const outcome = (one: WhatIf): string => `(predicted ${seconds(one.predictedUs)}, bound ${seconds(one.boundUs)})`;
  const own = changes.filter(({ stage }) => stage === worst.stage);
  const workers = own.filter(({ added, scenario }) => added !== undefined || scenario.window !== undefined);
  const best = workers.reduce((most, one) => Math.max(most, saving(one)), 0);
  // The smallest change that gets nearly all of what more workers can give.
  const enough = [...workers]
    .sort((a, b) => (a.added ?? 0) - (b.added ?? 0))
    .find((one) => saving(one) >= Math.max(WORTH, best * 0.9));
  if (enough !== undefined) {
    const { added, scenario } = enough;
    const name = model.pools.get(worst.stage)?.service ?? worst.stage;
    const more =
      added === undefined
        ? `A window of ${scenario.window ?? 0} scenes`
        : `${added} more ${name} worker${added === 1 ? '' : 's'}${scenario.window === undefined ? '' : ` and a window of ${scenario.window}`}`;
    return `${more} would save ${percent(saving(enough))} ${outcome(enough)}.`;
  }
  const outside = (worst.waitUs['provider_queue'] ?? 0) + (worst.waitUs['external'] ?? 0);
  if (outside > worst.workUs) {
    return `${percent(outside / makespanUs)} of the time is a wait for the provider in ${worst.stage}: more workers do not shorten it, a faster model, a higher limit or another provider does.`;
  }
  const retries = worst.waitUs['retry'] ?? 0;
  if (retries > worst.workUs) {
    return `${percent(retries / makespanUs)} of the time are pauses between tries of ${worst.stage}: find out why the first tries fail.`;
  }
  const longer = workers.find((one) => saving(one) <= -WORTH);
  const faster = own.find(({ scenario }) => scenario.speed !== undefined);
  const why = longer === undefined ? 'More workers would not help' : 'More workers would even take longer (a scheduling anomaly)';
  if (faster === undefined || saving(faster) < WORTH) return `${why}; ${worst.stage} is on the critical path for ${percent(worst.share)} of the time.`;
  return `${why}: ${slowest(model, worst.stage)}${worst.stage} twice as fast would save ${percent(saving(faster))} ${outcome(faster)}.`;
}

/** Names the one unit that takes far longer than its like. */
function slowest({ tasks, pools }: Model, stage: string): string {
  const own = (pools.get(stage)?.tasks ?? []).flatMap((at) => tasks[at] ?? []);
  const lengths = own.map(({ startUs, endUs }) => endUs - startUs).sort((a, b) => a - b);
  const median = lengths[(lengths.length - 1) >> 1] ?? 0;
  const longest = own.reduce<(typeof own)[number] | undefined>(
    (most, task) => (most === undefined || task.endUs - task.startUs > most.endUs - most.startUs ? task : most),
    undefined,
  );
  if (longest === undefined || own.length < 3 || longest.endUs - longest.startUs < 2 * median) return '';
  const scene = longest.scene === undefined ? longest.span.name : `scene ${longest.scene}`;
  return `${scene} took ${((longest.endUs - longest.startUs) / Math.max(1, median)).toFixed(1)} times as long as the others, and `;
}
