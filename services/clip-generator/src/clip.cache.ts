import { type Artifact, type Charge, type ClipGenerateBody, ClipmeshError } from '@clipmesh/contracts';
import { board, cacheKey, type Flight, land, type Wish } from '@clipmesh/persistence';
import { clipRequestSchema } from '@clipmesh/providers';
import { ATTR, withSpan } from '@clipmesh/tracing';
import { type StoredPurchase, nextStep, type Step } from './attempt.rules.js';
import { isUsable } from './clip.collect.js';
import { type ClipCache, type ClipDeps } from './clip.parts.js';

/** A clip that is stored here, bought now or before. */
export interface Clip {
  readonly model: string;
  readonly predictionId: string;
  readonly artifact: Artifact;
  readonly charge?: Charge | undefined;
  /** Bought for another generation, so that it costs nothing here. */
  readonly cached: boolean;
}

/** Changes with the way in which a request becomes the provider's input. */
const INPUT_VERSION = 1;

type Input = Pick<ClipGenerateBody, 'model' | 'prompt' | 'durationSeconds' | 'aspectRatio' | 'seed' | 'referenceImage'>;

/**
 * The key of everything that changes a clip, within a scope: see {@link ClipCache.scopeOf}. Generation, scene and step are
 * not part of it.
 */
export function clipKey(provider: string, input: Input, scope?: string): string {
  const { model, prompt, durationSeconds, aspectRatio, seed, referenceImage } = input;
  const image = referenceImage === undefined ? {} : { referenceImage: referenceImage.sha256 };
  return cacheKey({
    kind: 'clip',
    version: INPUT_VERSION,
    provider,
    model,
    scope,
    input: { prompt, durationSeconds, aspectRatio, seed, ...image },
  });
}

/** What was bought may be another model's clip than the one asked for. */
function cacheRequestOf(
  { provider }: Pick<ClipCache, 'provider'>,
  scope: string | undefined,
  body: ClipGenerateBody,
  entry: StoredPurchase | undefined,
): Wish {
  const input: Input = entry === undefined ? body : clipRequestSchema.parse(entry.value.request);
  return {
    key: clipKey(provider, input, scope),
    kind: 'clip',
    model: input.model,
    holder: `clip.${body.generationId}.${body.scene}`,
  };
}

/**
 * A clip from the cache, or from `buy`, which gets the time that is left, ms. While one generation buys it, over all
 * replicas, the others wait. What this generation has bought already is never waited for: it is carried on.
 */
export async function throughCache(
  deps: ClipDeps,
  body: ClipGenerateBody,
  step: Step,
  signal: AbortSignal,
  buy: (timeoutMs: number) => Promise<StoredPurchase>,
): Promise<Clip> {
  const { cache, clock, timeoutMs } = deps;
  if (cache === undefined || body.cache === false) return clipOf(await buy(timeoutMs));
  const scope = await cache.scopeOf(body.generationId);
  const request = cacheRequestOf(cache, scope, body, step.kind === 'buy' ? undefined : step.entry);
  const startedMs = clock.now();
  const acquired = await withSpan(
    'clipmesh.clip-generator',
    'look into the cache',
    { [ATTR.model]: request.model, [ATTR.scene]: body.scene, [ATTR.waitClass]: 'external' },
    async (span) => {
      const found = await board(cache.leases, request, {
        signal,
        timeoutMs: step.kind === 'buy' ? timeoutMs : 0,
        isSound: async ({ artifact, predictionId }) =>
          artifact !== undefined &&
          predictionId !== undefined &&
          predictionId !== body.rejectedPrediction &&
          (await isUsable(deps, artifact, body.durationSeconds, signal)),
      });
      span.setAttribute(ATTR.cached, found.kind === 'hit');
      return found;
    },
  );
  if (acquired.kind === 'hit') {
    const { model, predictionId = '', artifact } = acquired.entry;
    if (artifact === undefined) throw new ClipmeshError('INTERNAL', `cache entry ${request.key} has no clip`);
    const { generationId, scene } = body;
    deps.logger.info({ generationId, scene, predictionId }, 'the clip was bought before and is used again');
    return { model, predictionId, artifact, cached: true };
  }
  const { flight } = acquired;
  try {
    const entry = await buy(Math.max(1, timeoutMs - (clock.now() - startedMs)));
    const clip = clipOf(entry);
    const content = { predictionId: clip.predictionId, artifact: clip.artifact };
    const actual = cacheRequestOf(cache, scope, body, entry);
    if (actual.key !== request.key) {
      await flight.giveUp();
      await land(cache.leases, actual, content);
    } else await flight.land(content);
    return clip;
  } catch (error) {
    await releaseLease(deps, body, flight, signal);
    throw error;
  }
}

function clipOf({ value }: StoredPurchase): Clip {
  const { key, model, predictionId, artifact, charge } = value;
  if (predictionId === undefined || artifact === undefined)
    throw new ClipmeshError('INTERNAL', `attempt ${key} is finished without its clip`);
  return { model, predictionId, artifact, charge, cached: false };
}

/** Whoever waits is kept waiting only where a clip may still come of what was bought. */
async function releaseLease(deps: ClipDeps, body: ClipGenerateBody, flight: Flight, signal: AbortSignal): Promise<void> {
  try {
    const isAbandoned = signal.aborted
      ? await deps.isCanceled(body.generationId)
      : nextStep(await deps.purchases.list(body.generationId), body, deps.outcomeTimeouts).kind === 'buy';
    await (isAbandoned ? flight.giveUp() : flight.suspend());
  } catch (error) {
    deps.logger.warn({ err: error, generationId: body.generationId }, 'a flight was left to its lease');
    await flight.suspend();
  }
}
