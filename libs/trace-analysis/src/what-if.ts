import { lowerBound } from './bounds.js';
import { type Model } from './model.js';
import { type Pool } from './pools.js';
import { replay } from './replay.js';
import { type Scenario } from './scenario.js';

/** A change of the system, and what would come of it. */
export interface WhatIf {
  /** For people: `4 clip-generator workers`, `clip twice as fast`. */
  readonly change: string;
  readonly stage: string;
  readonly scenario: Scenario;
  /** Slots more than now; undefined for a change of another kind. */
  readonly added: number | undefined;
  readonly predictedUs: number;
  readonly boundUs: number;
}

/** At most this many stages are tried out; they come in the order of what they cost. */
const MOST_STAGES = 8;

/** One change, by replay and by bound. */
export function whatIf(model: Model, scenario: Scenario): { predictedUs: number; boundUs: number } {
  const { tasks, pools, starts, window } = model;
  return {
    predictedUs: replay(tasks, pools, starts, window, scenario).makespanUs,
    boundUs: lowerBound(tasks, pools, window, scenario).us,
  };
}

/** More workers in each stage that has a pool, a wider window, and each stage twice as fast; the best first. */
export function whatIfs(model: Model, stages: readonly string[]): WhatIf[] {
  const changes = stages.slice(0, MOST_STAGES).flatMap((stage) => {
    const pool = model.pools.get(stage);
    const faster = {
      change: `${stage} twice as fast`,
      stage,
      scenario: { speed: { [stage]: 2 } },
      added: undefined,
    };
    return pool === undefined ? [faster] : [...moreWorkers(model, pool), faster];
  });
  return changes
    .map((change) => ({ ...change, ...whatIf(model, change.scenario) }))
    .sort((a, b) => a.predictedUs - b.predictedUs);
}

function moreWorkers(model: Model, pool: Pool): Omit<WhatIf, 'predictedUs' | 'boundUs'>[] {
  const { window } = model;
  const limited = window?.pool === pool.name ? window.size : undefined;
  // A try that failed was not another clip.
  const most = pool.tasks.filter((at) => !model.tasks[at]?.edges.some(({ kind }) => kind === 'retry')).length;
  const sizes = [...new Set([pool.slots + 1, pool.slots + 2, pool.slots * 2, most])].filter(
    (slots) => slots > pool.slots && slots <= most,
  );
  const changes = sizes.map((slots) => {
    const added = slots - pool.slots;
    const wider = limited !== undefined && slots > limited;
    return {
      change: `${slots} ${pool.service} workers${wider ? ` and a window of ${slots}` : ''}`,
      stage: pool.name,
      scenario: { slots: { [pool.name]: slots }, ...(wider ? { window: slots } : {}) },
      added,
    };
  });
  const opened =
    limited !== undefined && limited < most && limited < pool.slots
      ? [
          {
            change: `a window of ${Math.min(most, pool.slots)}`,
            stage: pool.name,
            scenario: { window: Math.min(most, pool.slots) },
            added: undefined,
          },
        ]
      : [];
  return [...opened, ...changes];
}
