import { createHash, randomInt } from 'node:crypto';
import {
  type Artifact,
  type CreateGeneration,
  createGenerationSchema,
  type Job,
  MUSIC_LIMIT_BYTES,
} from '@clipmesh/contracts';
import { MODELS } from '@clipmesh/pipeline';
import { badRequest } from './problem.js';
import { looksLikeSound } from './sound.format.js';

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

/** Checks a request body. Throws a 400 that names each field and what it takes. */
export function parseRequest(body: unknown): CreateGeneration {
  const parsed = createGenerationSchema.safeParse(body ?? {});
  if (parsed.success) return parsed.data;
  const errors = parsed.error.issues.map((issue) => ({
    field: issue.path.join('.') || 'body',
    message: issue.message,
  }));
  throw badRequest(errors.map(({ field, message }) => `${field}: ${message}`).join('; '), errors);
}

/** The decoded music bed. Throws a 400 when it is empty, over 10 MB, or no file with sound. */
export function decodeMusic(data: string): { bytes: Uint8Array; contentType: string } {
  const comma = data.indexOf(',');
  const contentType = /^data:(audio\/[a-z0-9.+-]+);/.exec(data)?.[1] ?? 'application/octet-stream';
  const bytes = Buffer.from(data.slice(comma + 1), 'base64');
  if (bytes.length === 0) throw badRequest('music.data: it decodes to nothing; give base64 after the comma');
  if (bytes.length > MUSIC_LIMIT_BYTES)
    throw badRequest(`music.data: ${bytes.length} bytes; at most ${MUSIC_LIMIT_BYTES}`);
  if (!looksLikeSound(bytes))
    throw badRequest('music.data: no file with sound; give MP3, AAC, M4A, WAV, FLAC, Ogg or another that ffmpeg reads');
  return { bytes, contentType };
}

const SEED_LIMIT = 2_147_483_647;

/** The same seed for the same film, so that what was bought for it once is found again. */
function seedOf({ prompt, durationSeconds, aspectRatio, framework, sceneCount }: CreateGeneration): number {
  const film = JSON.stringify([prompt, durationSeconds, aspectRatio, framework ?? null, sceneCount ?? null]);
  return createHash('sha256').update(film).digest().readUInt32BE(0) % SEED_LIMIT;
}

/** Makes every choice that the request leaves open. */
export function buildJob(request: CreateGeneration, defaults: JobDefaults, music: Artifact | undefined): Job {
  const { model, parallel } = request;
  if (model !== undefined && MODELS[model] === undefined) {
    throw badRequest(`model: ${model} is not known; choose one of ${Object.keys(MODELS).join(', ')}`);
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
    models,
    window: enabled ? (parallel?.maxWorkers ?? defaults.maxWorkers) : 1,
    fallbackAfter: defaults.fallbackAfter,
    ...(request.framework === undefined ? {} : { framework: request.framework }),
    ...(request.sceneCount === undefined ? {} : { sceneCount: request.sceneCount }),
    ...(request.maxCostUsd === undefined ? {} : { maxCostMicros: Math.floor(request.maxCostUsd * 1_000_000 + 1e-6) }),
    ...(request.metadata === undefined ? {} : { metadata: request.metadata }),
    ...(music === undefined || request.music === undefined
      ? {}
      : { music: { artifact: music, volume: request.music.volume } }),
  };
}
