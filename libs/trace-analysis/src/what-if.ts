import { lowerBound } from './bounds.js';
import { type Model } from './model.js';
import { type Pool } from './pools.js';
import { replay } from './replay.js';
import { type Scenario } from './scenario.js';

/** A change of the system, and what would come of it. */
export interface WhatIf {
  /** For people: `4 clip-generator workers`, `clip twice as fast`, `overlay on twice the cores`. */
  readonly change: string;
  readonly stage: string;
  readonly scenario: Scenario;
  /** Slots more than now; undefined where the slots stay. */
  readonly added: number | undefined;
  readonly predictedUs: number;
  readonly boundUs: number;
}
type Change = Omit<WhatIf, 'predictedUs' | 'boundUs'>;

/** At most this many stages are tried out; they come in the order of what they cost. */
const MOST_STAGES = 8;
const TWICE = 2;

/** One change, by replay and by bound. */
export function whatIf(model: Model, scenario: Scenario): { predictedUs: number; boundUs: number } {
  return { predictedUs: replay(model, scenario).makespanUs, boundUs: lowerBound(model, scenario).us };
}

/**
 * More workers in each stage that has a pool, a wider window, more cores for each stage that computes, and each stage
 * twice as fast; the best first.
 */
export function whatIfs(model: Model, stages: readonly string[]): WhatIf[] {
  const changes = stages.slice(0, MOST_STAGES).flatMap((stage) => {
    const pool = model.pools.get(stage);
    const faster = {
      change: `${stage} twice as fast`,
      stage,
      scenario: { speed: { [stage]: TWICE } },
      added: undefined,
    };
    return pool === undefined ? [faster] : [...moreWorkers(model, pool), ...moreCores(model, pool), faster];
  });
  // Stages that share their hosts share the change of cores alone.
  const unlike = new Map(changes.map((change) => [JSON.stringify(change.scenario), change] as const).reverse());
  return [...unlike.values()]
    .reverse()
    .map((change) => ({ ...change, ...whatIf(model, change.scenario) }))
    .sort((a, b) => a.predictedUs - b.predictedUs);
}

/** How many tasks of a pool can run at once: a try that failed was not another one. */
const mostOf = ({ tasks }: Model, pool: Pool): number =>
  pool.tasks.filter((at) => !tasks[at]?.edges.some(({ kind }) => kind === 'retry')).length;

/** So many slots, and a window that lets out as many. */
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
  const most = mostOf(model, pool);
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

/** Twice the cores for the hosts that the pool's tasks compute on, alone and with twice the workers. */
function moreCores(model: Model, pool: Pool): Change[] {
  const ids = new Set(pool.tasks.flatMap((at) => model.tasks[at]?.pieces.flatMap(({ cpu }) => cpu?.host ?? []) ?? []));
  if (ids.size === 0) return [];
  const cores = Object.fromEntries([...ids].map((id) => [id, TWICE]));
  const alone = { change: `${pool.name} on twice the cores`, stage: pool.name, scenario: { cores }, added: undefined };
  const slots = Math.min(pool.slots * TWICE, mostOf(model, pool));
  if (slots <= pool.slots) return [alone];
  const more = withSlots(model, pool, slots);
  return [alone, { ...more, change: `${more.change} on twice the cores`, scenario: { ...more.scenario, cores } }];
}
