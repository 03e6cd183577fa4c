import { createHash, randomInt } from 'node:crypto';
import { type CreateGeneration, createGenerationSchema, type Job } from '@clipmesh/contracts';
import { MODELS } from '@clipmesh/pipeline';
import { type z } from 'zod';
import { checkValue } from './issue.text.js';
import { badFields, badRequest } from './problem.js';
import { didYouMean } from './suggestion.js';

/** The settings that a job's choices fall back to. */
export interface JobDefaults {
  readonly models: readonly string[];
  readonly parallelEnabled: boolean;
  /** Scenes in flight at once. */
  readonly maxWorkers: number;
  /** Setbacks of the provider after which a generation goes on one scene after another. */
  readonly fallbackAfter: number;
}

/** Throws when a setting names a model whose price is not known: caps and budgets would count it as free. */
export function refuseUnknownModels(models: readonly string[]): void {
  if (models.every((id) => MODELS[id] !== undefined)) return;
  throw new Error(`VIDEO_MODELS has a model that is not known; the known ones are ${Object.keys(MODELS).join(', ')}`);
}

/** Checks the body of a create. Throws a 400 that names each field and what it takes. */
export const parseRequest = (body: unknown): CreateGeneration => parseBody(createGenerationSchema, body);

/** Checks a body. Throws a 400 that names each field and what it takes. */
export function parseBody<T>(schema: z.ZodType<T>, body: unknown): T {
  const checked = checkValue(schema, body ?? {});
  if (checked.ok) return checked.value;
  throw badFields(checked.errors);
}

const SEED_LIMIT = 2_147_483_647;

/** The same seed for the same film, so that what was bought for it once is found again. */
function seedOf({ prompt, durationSeconds, aspectRatio, framework, sceneCount }: CreateGeneration): number {
  const film = JSON.stringify([prompt, durationSeconds, aspectRatio, framework ?? null, sceneCount ?? null]);
  return createHash('sha256').update(film).digest().readUInt32BE(0) % SEED_LIMIT;
}

/** Makes every choice that the request leaves open; its files are still to be stored. */
export function buildJob(request: CreateGeneration, defaults: JobDefaults): Job {
  const { model, parallel } = request;
  if (model !== undefined && MODELS[model] === undefined) {
    const known = Object.keys(MODELS);
    throw badRequest('model', `${model} is not known; choose one of ${known.join(', ')}${didYouMean(model, known)}`);
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
