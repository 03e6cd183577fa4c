import { type Segment } from './critical.path.js';
import { hostUses } from './host.use.js';
import { type Model } from '../model/model.js';
import { type WhatIf } from './what.if.js';

export interface StageCost {
  readonly stage: string;
  /** Share of the makespan that the critical path spends in the stage or waiting in it, 0-1. */
  readonly share: number;
  readonly workUs: number;
  readonly waitUs: Readonly<Record<string, number>>;
}
/** Minimum saving for an advice, 0-1. Predictions have about this accuracy. */
export const MIN_SAVING = 0.05;

/** The stages by their time on the critical path, including waits before and inside their tasks. Longest first. */
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

const seconds = (us: number): string => (us < 1e6 ? `${Math.round(us / 1000)} ms` : `${(us / 1e6).toFixed(1)} s`);
const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
const percent = (part: number): string => `${Math.round(part * 100)} %`;

/** The predicted saving of a change as a share of the makespan; negative when it takes longer. */
export function savingOf({ predictedUs }: WhatIf, makespanUs: number, replayedUs: number): number {
  // An error of the replay must not count as a saving of the change.
  const baseUs = Math.min(makespanUs, replayedUs);
  return baseUs === 0 ? 0 : 1 - predictedUs / baseUs;
}

/**
 * One sentence of advice about the worst stage. If no change of that stage helps, advises the best change of another one. Advises only
 * changes that save at least {@link MIN_SAVING}. `replayedUs`: the replay of the unchanged system. Default: the makespan.
 */
export function adviceFor(
  model: Model,
  worst: StageCost,
  changes: readonly WhatIf[],
  replayedUs: number = model.index.makespanUs,
): string {
  const { makespanUs } = model.index;
  const saving = (one: WhatIf): number => savingOf(one, makespanUs, replayedUs);
  const would = (one: WhatIf): string =>
    `would save ${percent(saving(one))} (predicted ${seconds(one.predictedUs)}, bound ${seconds(one.boundUs)})`;
  const own = changes.filter(({ stage }) => stage === worst.stage);
  const workers = own.filter(
    ({ added, scenario }) => scenario.cores === undefined && (added !== undefined || scenario.window !== undefined),
  );
  const enough = smallestGoodChange(workers, saving);
  const cores = smallestGoodChange(
    own.filter(({ scenario }) => scenario.cores !== undefined),
    saving,
  );
  const cause = externalCause(worst, makespanUs);
  if (cause !== undefined && (enough === undefined || saving(enough) < cause.leastSaving)) return cause.advice;
  if (cores !== undefined && saving(cores) >= 2 * (enough === undefined ? 0 : saving(enough))) {
    const alone = enough === undefined ? 'do not help' : `save only ${percent(saving(enough))}`;
    return `${cpuBound(model, worst.stage)}, so more workers alone ${alone}; add cores or use another machine. ${capital(named(model, cores))} ${would(cores)}.`;
  }
  if (enough !== undefined) return `${capital(named(model, enough))} ${would(enough)}.`;

  const { stage } = worst;
  const anomaly = workers.some((one) => saving(one) <= -MIN_SAVING);
  const why = anomaly
    ? `more workers in ${stage} would take longer (a scheduling anomaly)`
    : `${stage} is on the critical path for ${percent(worst.share)} of the time, and more workers there would not help`;
  const elsewhere = smallestGoodChange(
    changes.filter((one) => one.stage !== stage && one.scenario.speed === undefined),
    saving,
  );
  if (elsewhere !== undefined) return `${capital(why)}; ${named(model, elsewhere)} ${would(elsewhere)}.`;
  const faster = own.find(({ scenario }) => scenario.speed !== undefined);
  if (faster === undefined || saving(faster) < MIN_SAVING) return `${capital(why)}.`;
  return `${capital(why)}; ${slowest(model, stage)}${stage} twice as fast ${would(faster)}.`;
}

/**
 * A cause that more workers cannot remove, when the stage waits for it longer than it works. More workers can overlap waits that each
 * worker has separately, so they are the better advice if they save at least half of the wait. All workers share a rate limit, which
 * the replay does not model, so there they must save twice the wait.
 */
function externalCause(
  { stage, workUs, waitUs }: StageCost,
  makespanUs: number,
): { readonly advice: string; readonly leastSaving: number } | undefined {
  const limited = waitUs['rate_limit'] ?? 0;
  const outside = (waitUs['provider_queue'] ?? 0) + (waitUs['external'] ?? 0);
  const pauses = waitUs['retry'] ?? 0;
  const most = Math.max(limited, outside, pauses);
  if (makespanUs === 0 || most <= workUs) return undefined;
  const share = most / makespanUs;
  if (most === limited) {
    return {
      advice: `${percent(share)} of the time is the provider's rate limit in ${stage}: more workers do not shorten it; a higher limit, another model or another provider does.`,
      leastSaving: share * 2,
    };
  }
  if (most === outside) {
    return {
      advice: `${percent(share)} of the time is a wait for the provider in ${stage}: more workers do not shorten it; another model or another provider does.`,
      leastSaving: share / 2,
    };
  }
  return {
    advice: `${percent(share)} of the time is pauses between tries of ${stage}: find out why the first tries fail.`,
    leastSaving: share / 2,
  };
}

/** The smallest change with at least 90 % of the best saving. */
function smallestGoodChange(changes: readonly WhatIf[], saving: (one: WhatIf) => number): WhatIf | undefined {
  const best = changes.reduce((most, one) => Math.max(most, saving(one)), 0);
  return [...changes]
    .sort((a, b) => (a.added ?? 0) - (b.added ?? 0))
    .find((one) => saving(one) >= Math.max(MIN_SAVING, best * 0.9));
}

function named({ pools }: Model, { added, scenario, stage }: WhatIf): string {
  const cores = scenario.cores === undefined ? '' : ' on twice the cores';
  if (added === undefined) return cores === '' ? `a window of ${scenario.window ?? 0} scenes` : `${stage}${cores}`;
  const wider = scenario.window === undefined ? '' : ` and a window of ${scenario.window} scenes`;
  return `${added} more ${pools.get(stage)?.service ?? stage} worker${added === 1 ? '' : 's'}${wider}${cores}`;
}

/** Other programs are the cause when they leave less than this share of the cores. */
const BUSY_HOST_SHARE = 0.75;

/** Describes how much of its hosts' cores a stage uses. */
function cpuBound({ tasks, pools, hosts }: Model, stage: string): string {
  const ids = new Set((pools.get(stage)?.tasks ?? []).flatMap((at) => tasks[at]?.host ?? []));
  const uses = hostUses({ tasks, hosts }).filter(({ id }) => ids.has(id));
  const cores = uses.reduce((sum, one) => sum + one.cores, 0);
  const left = uses.reduce((sum, one) => sum + one.leftCores, 0);
  const most = uses.reduce((max, one) => Math.max(max, one.utilization), 0);
  const where = uses.length === 1 ? 'its host' : `its ${uses.length} hosts`;
  const use =
    left < cores * BUSY_HOST_SHARE
      ? `of which other programs leave ${left.toFixed(1)}`
      : `${percent(most)} in use while it computes`;
  return `${capital(stage)} is bound by the CPU (${cores} core${cores === 1 ? '' : 's'} of ${where}, ${use})`;
}

/** Names the slowest unit if it takes at least twice the median. */
function slowest({ tasks, pools }: Model, stage: string): string {
  const own = (pools.get(stage)?.tasks ?? []).flatMap((at) => tasks[at] ?? []);
  const lengths = own.map(({ startUs, endUs }) => endUs - startUs).sort((a, b) => a - b);
  const median = Math.max(1, lengths[(lengths.length - 1) >> 1] ?? 1);
  const most = lengths.at(-1) ?? 0;
  const longest = own.find(({ startUs, endUs }) => endUs - startUs === most);
  if (longest === undefined || own.length < 3 || most < 2 * median) return '';
  const name = longest.scene === undefined ? longest.span.name : `scene ${longest.scene}`;
  return `${name} took ${(most / median).toFixed(1)} times as long as the median, and `;
}
