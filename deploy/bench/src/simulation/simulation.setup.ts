import {
  COMMAND_INBOXES,
  type CommandInboxName,
  type InboxName,
  type Job,
  type ServiceName,
} from '@clipmesh/contracts';
import { type Random } from './random.js';

/** Planted mistakes that the simulation has to detect. */
export const MISTAKES = [
  'ack before publish',
  'no search for lost purchases',
  'intent after purchase',
  'no claims of predictions',
  'bought clips in drafts',
] as const;
export type Mistake = (typeof MISTAKES)[number];

export interface SimulationResult {
  readonly seed: number;
  /** Violated invariants. */
  readonly broken: readonly string[];
  readonly steps: number;
  readonly kills: number;
}

/** Default: one. No webhooks in a simulation, so no gateway. */
const REPLICAS: Partial<Record<ServiceName, number>> = { gateway: 0, planner: 2, 'clip-generator': 2 };
const processesOf = (service: ServiceName): readonly string[] =>
  Array.from({ length: REPLICAS[service] ?? 1 }, (_, n) => `${service}.${n + 1}`);
/** The processes that handle each inbox. */
export const PROCESSES: Readonly<Record<InboxName, readonly string[]>> = {
  ...(Object.fromEntries(COMMAND_INBOXES.map(({ inbox, service }) => [inbox, processesOf(service)])) as Record<
    CommandInboxName,
    readonly string[]
  >),
  director: processesOf('planner'),
  reporter: processesOf('planner'),
  canceler: processesOf('clip-generator'),
  cost: processesOf('cost'),
  notifier: processesOf('gateway'),
};

export function jobOf(random: Random): Job {
  const sceneCount = 2 + random.below(4);
  return {
    prompt: 'A bottle that keeps water cold all day long.',
    durationSeconds: Math.max(9, sceneCount * 4),
    aspectRatio: '16:9',
    sceneCount,
    seed: 7,
    overlays: true,
    models: ['google/veo-3.1', 'bytedance/seedance-1-lite'],
    window: 1 + random.below(4),
    fallbackAfter: 3,
    // Without the cache, two generations buy the same clips at the same time.
    ...(random.chance(0.5) ? { cache: false } : {}),
    ...(random.chance(0.3) ? { draft: true } : {}),
  };
}
