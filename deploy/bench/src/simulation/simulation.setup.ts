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

const PLANNERS = ['planner.1', 'planner.2'];
const CLIP_GENERATORS = ['clip-generator.1', 'clip-generator.2'];
/** The processes that handle each inbox. */
export const PROCESSES: Readonly<Record<InboxName, readonly string[]>> = {
  planner: PLANNERS,
  director: PLANNERS,
  reporter: PLANNERS,
  'clip-generator': CLIP_GENERATORS,
  canceler: CLIP_GENERATORS,
  overlay: ['overlay.1'],
  stitcher: ['stitcher.1'],
  cost: ['cost.1'],
  // No webhooks in a simulation.
  notifier: [],
  webhooks: [],
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
  };
}
