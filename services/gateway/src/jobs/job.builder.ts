import { createHash, randomInt } from 'node:crypto';
import { type CreateGeneration, type Job } from '@clipmesh/contracts';
import {
  clipNeeds,
  type ModelTable,
  possibleLengths,
  type PricedJob,
  refusalOf,
  maxSceneSpeechMicros,
  type SpeechPrice,
} from '@clipmesh/billing';
import { badRequest } from '../http/problems/problem.js';
import { didYouMean } from '../http/problems/suggestion.js';

/** Token of {@link JobDefaults}. */
export const JOB_DEFAULTS = Symbol('JOB_DEFAULTS');
/** Defaults for the choices that a request leaves open. */
export interface JobDefaults {
  /** In fallback order. */
  readonly models: readonly string[];
  /** Every known model. */
  readonly table: ModelTable;
  readonly parallelEnabled: boolean;
  /** Scenes in flight at once. */
  readonly maxWorkers: number;
  /** Number of provider failures after which a generation continues with one scene at a time. */
  readonly fallbackAfter: number;
  /** The price of speech. `free`: it costs nothing. Default: it is unknown. */
  readonly speechPrice?: SpeechPrice | 'free' | undefined;
}

/** Throws when a setting names an unknown model: caps and budgets would count it as free. */
export function refuseUnknownModels(models: readonly string[], table: ModelTable): void {
  if (models.every((id) => table.has(id))) return;
  throw new Error(`VIDEO_MODELS contains an unknown model; the known models are ${[...table.keys()].join(', ')}`);
}

const SEED_LIMIT = 2_147_483_647;

/** The same seed for the same request, so that its clips are found in the cache. */
function seedOf({ prompt, durationSeconds, aspectRatio, framework, sceneCount }: CreateGeneration): number {
  const identity = JSON.stringify([prompt, durationSeconds, aspectRatio, framework ?? null, sceneCount ?? null]);
  return createHash('sha256').update(identity).digest().readUInt32BE(0) % SEED_LIMIT;
}

/** The voice-over with what a scene of it costs. */
function voiceoverOf({ voiceover }: CreateGeneration, { speechPrice: price }: JobDefaults): Pick<Job, 'voiceover'> {
  if (voiceover === undefined) return {};
  const { voice, speed, script } = voiceover;
  const sceneMaxMicros = price === 'free' ? 0 : price && maxSceneSpeechMicros(price, speed);
  return {
    voiceover: {
      ...(voice === undefined ? {} : { voice }),
      ...(speed === undefined ? {} : { speed }),
      ...(script === undefined ? {} : { script }),
      ...(sceneMaxMicros === undefined ? {} : { sceneMaxMicros }),
    },
  };
}

/** What the request says about music, without an upload. */
function musicOf({ music }: CreateGeneration): Pick<Job, 'music'> {
  if (music === undefined || music?.data !== undefined) return {};
  if (music === null) return { music: { bed: 'none', volume: 0 } };
  return { music: { volume: music.volume, ...(music.bed === undefined ? {} : { bed: music.bed }) } };
}

/**
 * A job with a value for every choice that the request leaves open. Does not contain the request's files. Throws a 400 for an
 * unknown model, and when no model can make the clips.
 */
export function buildJob(request: CreateGeneration, defaults: JobDefaults): Job {
  const { model, parallel } = request;
  if (model !== undefined && !defaults.table.has(model)) {
    const known = [...defaults.table.keys()];
    throw badRequest('model', `unknown model ${model}; choose one of ${known.join(', ')}${didYouMean(model, known)}`);
  }
  const models =
    model === undefined ? [...defaults.models] : [model, ...defaults.models.filter((other) => other !== model)];
  const enabled = defaults.parallelEnabled && (parallel?.enabled ?? true);
  const job = {
    prompt: request.prompt,
    durationSeconds: request.durationSeconds,
    aspectRatio: request.aspectRatio,
    seed: request.seed ?? (request.cache ? seedOf(request) : randomInt(0, SEED_LIMIT)),
    ...(request.cache ? {} : { cache: false }),
    overlays: request.overlays,
    ...(request.look === undefined ? {} : { look: request.look }),
    ...(request.transition === undefined ? {} : { transition: request.transition }),
    ...(request.clipAudio === 'drop' ? { clipSound: false } : {}),
    ...(request.mode === 'review' ? { review: true } : {}),
    ...(request.mode === 'draft' ? { draft: true } : {}),
    ...musicOf(request),
    ...voiceoverOf(request, defaults),
    models,
    window: enabled ? (parallel?.maxWorkers ?? defaults.maxWorkers) : 1,
    fallbackAfter: defaults.fallbackAfter,
    ...(request.framework === undefined ? {} : { framework: request.framework }),
    ...(request.sceneCount === undefined ? {} : { sceneCount: request.sceneCount }),
    ...(request.maxCostUsd === undefined ? {} : { maxCostMicros: Math.floor(request.maxCostUsd * 1_000_000 + 1e-6) }),
    ...(request.metadata === undefined ? {} : { metadata: request.metadata }),
  };
  refuseUnsuitableModels({ ...job, referenceImage: request.referenceImage }, model, defaults);
  return job;
}

/**
 * Refuses a job whose requested model can make no clip of any possible plan, or for which no model at all can. Throws a 400 with
 * the reason. `requested`: the model that the request names.
 */
function refuseUnsuitableModels(job: PricedJob, requested: string | undefined, { table }: JobDefaults): void {
  const lengths = possibleLengths(job);
  /** Why the model can make none of the possible clips. */
  const reasonOf = (id: string): string | undefined => {
    const terms = table.get(id);
    const reasons = terms === undefined ? [] : lengths.map((seconds) => refusalOf(terms, clipNeeds(job, seconds)));
    return reasons.every((reason) => reason !== undefined) ? reasons[0] : undefined;
  };
  const reason = requested === undefined ? undefined : reasonOf(requested);
  if (requested !== undefined && reason !== undefined)
    throw badRequest('model', `${requested} cannot make these clips: ${reason}; choose another model`);
  const reasons = job.models.map((id) => [id, reasonOf(id)] as const);
  if (reasons.some(([, why]) => why === undefined)) return;
  throw badRequest(
    'model',
    `no model can make these clips: ${reasons.map(([id, why]) => `${id}: ${why ?? ''}`).join('; ')}`,
  );
}
