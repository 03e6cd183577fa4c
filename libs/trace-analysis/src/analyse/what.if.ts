import { lowerBound } from './bounds.js';
import { type Model } from '../model/model.js';
import { type Pool } from '../model/pools.js';
import { replay } from '../replay/replay.js';
import { type Scenario } from '../model/scenario.js';

/** A change of the system, and its predicted makespan. */
export interface WhatIf {
  /** Readable description, such as `4 clip-generator workers`, `clip twice as fast` or `overlay on twice the cores`. */
  readonly change: string;
  readonly stage: string;
  readonly scenario: Scenario;
  /** Number of added slots; undefined when the slots do not change. */
  readonly added: number | undefined;
  readonly predictedUs: number;
  readonly boundUs: number;
}
type Change = Omit<WhatIf, 'predictedUs' | 'boundUs'>;

/** Maximum number of stages to evaluate, in the given order. */
const MAX_STAGES = 8;
const TWICE = 2;

/** Predicts one change by replay, with its lower bound. */
export function whatIf(model: Model, scenario: Scenario): { predictedUs: number; boundUs: number } {
  return { predictedUs: replay(model, scenario).makespanUs, boundUs: lowerBound(model, scenario).us };
}

/**
 * Predicts these changes: more workers in each stage with a pool, a wider window, more cores for each computing stage, and each stage
 * twice as fast. Best first.
 */
export function whatIfs(model: Model, stages: readonly string[]): WhatIf[] {
  const changes = stages.slice(0, MAX_STAGES).flatMap((stage) => {
    const pool = model.pools.get(stage);
    const faster = {
      change: `${stage} twice as fast`,
      stage,
      scenario: { speed: { [stage]: TWICE } },
      added: undefined,
    };
    return pool === undefined ? [faster] : [...moreWorkers(model, pool), ...moreCores(model, pool), faster];
  });
  // Stages on the same hosts have the same change of cores: keep it once.
  const unlike = new Map(changes.map((change) => [JSON.stringify(change.scenario), change] as const).reverse());
  return [...unlike.values()]
    .reverse()
    .map((change) => ({ ...change, ...whatIf(model, change.scenario) }))
    .sort((a, b) => a.predictedUs - b.predictedUs);
}

/** Maximum useful slots of a pool: its tasks, with retries of a task counted once. */
const maxSlotsOf = ({ tasks }: Model, pool: Pool): number =>
  pool.tasks.filter((at) => !tasks[at]?.edges.some(({ kind }) => kind === 'retry')).length;

/** A change to this number of slots, with a window of at least this size. */
function withSlots({ window }: Model, pool: Pool, slots: number): Change {
  const wider = window?.pool === pool.name && slots > window.size;
  return {
    change: `${slots} ${pool.service} workers${wider ? ` and a window of ${slots}` : ''}`,
    stage: pool.name,
    scenario: { slots: { [pool.name]: slots }, ...(wider ? { window: slots } : {}) },
    added: slots - pool.slots,
  };
}

function moreWorkers(model: Model, pool: Pool): Change[] {
  const { window } = model;
  const limited = window?.pool === pool.name ? window.size : undefined;
  const most = maxSlotsOf(model, pool);
  const sizes = [...new Set([pool.slots + 1, pool.slots + 2, pool.slots * 2, most])].filter(
    (slots) => slots > pool.slots && slots <= most,
  );
  const changes = sizes.map((slots) => withSlots(model, pool, slots));
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

/** Twice the cores for the hosts of the pool's tasks, alone and with twice the workers. */
function moreCores(model: Model, pool: Pool): Change[] {
  const ids = new Set(pool.tasks.flatMap((at) => model.tasks[at]?.pieces.flatMap(({ cpu }) => cpu?.host ?? []) ?? []));
  if (ids.size === 0) return [];
  const cores = Object.fromEntries([...ids].map((id) => [id, TWICE]));
  const alone = { change: `${pool.name} on twice the cores`, stage: pool.name, scenario: { cores }, added: undefined };
  const slots = Math.min(pool.slots * TWICE, maxSlotsOf(model, pool));
  if (slots <= pool.slots) return [alone];
  const more = withSlots(model, pool, slots);
  return [alone, { ...more, change: `${more.change} on twice the cores`, scenario: { ...more.scenario, cores } }];
}
