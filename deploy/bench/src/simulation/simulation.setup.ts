import { type InboxName, type Job } from '@clipmesh/contracts';
import { type Random } from './random.js';

/** Planted mistakes that the simulation has to detect. */
export const MISTAKES = [
  'ack before publish',
  'no search for lost purchases',
  'intent after purchase',
  'no claims of predictions',
] as const;
export type Mistake = (typeof MISTAKES)[number];

export interface SimulationResult {
  readonly seed: number;
  /** Violated invariants. */
  readonly broken: readonly string[];
  readonly steps: number;
  readonly kills: number;
}

/** The inboxes of each process. */
export const PROCESSES: readonly { name: string; inboxes: readonly InboxName[] }[] = [
  { name: 'planner.1', inboxes: ['planner', 'director', 'reporter'] },
  { name: 'planner.2', inboxes: ['planner', 'director', 'reporter'] },
  { name: 'clip-generator.1', inboxes: ['clip-generator', 'canceler'] },
  { name: 'clip-generator.2', inboxes: ['clip-generator', 'canceler'] },
  { name: 'overlay.1', inboxes: ['overlay'] },
  { name: 'stitcher.1', inboxes: ['stitcher'] },
  { name: 'cost.1', inboxes: ['cost'] },
];

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
  };
}
