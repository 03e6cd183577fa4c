import { createHash, randomInt } from 'node:crypto';
import { type CreateGeneration, type Job } from '@clipmesh/contracts';
import { MODELS } from '@clipmesh/billing';
import { badRequest } from '../http/problems/problem.js';
import { didYouMean } from '../http/problems/suggestion.js';

/** Token of {@link JobDefaults}. */
export const JOB_DEFAULTS = Symbol('JOB_DEFAULTS');
/** Defaults for the choices that a request leaves open. */
export interface JobDefaults {
  readonly models: readonly string[];
  readonly parallelEnabled: boolean;
  /** Scenes in flight at once. */
  readonly maxWorkers: number;
  /** Number of provider failures after which a generation continues with one scene at a time. */
  readonly fallbackAfter: number;
}

/** Throws when a setting names an unknown model: caps and budgets would count it as free. */
export function refuseUnknownModels(models: readonly string[]): void {
  if (models.every((id) => MODELS[id] !== undefined)) return;
  throw new Error(`VIDEO_MODELS contains an unknown model; the known models are ${Object.keys(MODELS).join(', ')}`);
}

const SEED_LIMIT = 2_147_483_647;

/** The same seed for the same request, so that its clips are found in the cache. */
function seedOf({ prompt, durationSeconds, aspectRatio, framework, sceneCount }: CreateGeneration): number {
  const identity = JSON.stringify([prompt, durationSeconds, aspectRatio, framework ?? null, sceneCount ?? null]);
  return createHash('sha256').update(identity).digest().readUInt32BE(0) % SEED_LIMIT;
}

/** A job with a value for every choice that the request leaves open. Does not contain the request's files. */
export function buildJob(request: CreateGeneration, defaults: JobDefaults): Job {
  const { model, parallel } = request;
  if (model !== undefined && MODELS[model] === undefined) {
    const known = Object.keys(MODELS);
    throw badRequest('model', `unknown model ${model}; choose one of ${known.join(', ')}${didYouMean(model, known)}`);
  }
  const models =
    model === undefined ? [...defaults.models] : [model, ...defaults.models.filter((other) => other !== model)];
  const enabled = defaults.parallelEnabled && (parallel?.enabled ?? true);
  return {
    prompt: request.prompt,
    durationSeconds: request.durationSeconds,
    aspectRatio: request.aspectRatio,
    seed: request.seed ?? (request.cache ? seedOf(request) : randomInt(0, SEED_LIMIT)),
    ...(request.cache ? {} : { cache: false }),
    overlays: request.overlays,
    ...(request.mode === 'review' ? { review: true } : {}),
    models,
    window: enabled ? (parallel?.maxWorkers ?? defaults.maxWorkers) : 1,
    fallbackAfter: defaults.fallbackAfter,
    ...(request.framework === undefined ? {} : { framework: request.framework }),
    ...(request.sceneCount === undefined ? {} : { sceneCount: request.sceneCount }),
    ...(request.maxCostUsd === undefined ? {} : { maxCostMicros: Math.floor(request.maxCostUsd * 1_000_000 + 1e-6) }),
    ...(request.metadata === undefined ? {} : { metadata: request.metadata }),
  };
}
