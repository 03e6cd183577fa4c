import { chargesIn } from '@clipmesh/billing';
import { type Artifact, type Charge, type ClipGenerateBody, ClipmeshError } from '@clipmesh/contracts';
import { acquire, fillCache, type Lease, type LeaseRequest } from '../cache/single.flight.js';
import { cacheKey } from '../cache/cache.rules.js';
import { clipRequestSchema, providerOf } from '@clipmesh/providers';
import { ATTR, withSpan } from '@clipmesh/tracing';
import { nextStep, type Step, type StoredPurchase } from './purchase.rules.js';
import { isUsable } from './clip.collect.js';
import { clipPurchases } from './purchase.repository.js';
import { type ClipDeps } from './clip.deps.js';

/** A stored clip, bought now or before. */
export interface Clip {
  readonly model: string;
  readonly predictionId: string;
  readonly artifact: Artifact;
  /** What this generation paid for it. */
  readonly charges: readonly Charge[];
  /** Another generation bought it, so it is free here. */
  readonly cached: boolean;
}

/** Increase when the mapping from a request to the provider's input changes. */
const INPUT_VERSION = 1;

type Input = Pick<
  ClipGenerateBody,
  'model' | 'prompt' | 'durationSeconds' | 'aspectRatio' | 'seed' | 'referenceImage' | 'clipSound'
>;

/**
 * The cache key of a clip: a hash of everything that changes the clip, within a scope ({@link PurchaseCache.scopeOf}).
 * Generation, scene and step are not included.
 */
export function clipKey(cacheOrigin: string, input: Input, scope?: string): string {
  const { model, prompt, durationSeconds, aspectRatio, seed, referenceImage, clipSound } = input;
  const silent = clipSound === false ? { clipSound } : {};
  const image = referenceImage === undefined ? {} : { referenceImage: referenceImage.sha256 };
  return cacheKey({
    kind: 'clip',
    version: INPUT_VERSION,
    provider: cacheOrigin,
    model,
    scope,
    input: { prompt, durationSeconds, aspectRatio, seed, ...image, ...silent },
  });
}

/** The cache request for a command, or for the purchase of it, which may be of another model. */
function cacheRequestOf(
  { providers }: Pick<ClipDeps, 'providers'>,
  scope: string | undefined,
  body: ClipGenerateBody,
  entry: StoredPurchase | undefined,
): LeaseRequest {
  const input: Input = entry === undefined ? body : clipRequestSchema.parse(entry.value.request);
  const { cacheOrigin } = providers.of(input.model, entry && providerOf(entry.value));
  return {
    key: clipKey(cacheOrigin, input, scope),
    kind: 'clip',
    model: input.model,
    holder: `clip.${body.generationId}.${body.scene}`,
  };
}

/**
 * Returns a clip from the cache, or from `buy`, which receives the remaining time in ms. While one generation buys the clip,
 * all others wait, across replicas. An earlier purchase of this generation is continued without waiting.
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
  const request = cacheRequestOf(deps, scope, body, step.kind === 'buy' ? undefined : step.entry);
  const startedMs = clock.now();
  const acquired = await withSpan(
    'clipmesh.clip-generator',
    'look into the cache',
    { [ATTR.model]: request.model, [ATTR.scene]: body.scene, [ATTR.waitClass]: 'external' },
    async (span) => {
      const found = await acquire(cache.leases, request, {
        signal,
        timeoutMs: step.kind === 'buy' ? timeoutMs : 0,
        isValid: async ({ artifact, predictionId }) =>
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
    deps.logger.info({ generationId, scene, predictionId }, 'clip found in the cache');
    return { model, predictionId, artifact, charges: [], cached: true };
  }
  const { lease } = acquired;
  try {
    const entry = await buy(Math.max(1, timeoutMs - (clock.now() - startedMs)));
    const clip = clipOf(entry);
    const content = { predictionId: clip.predictionId, artifact: clip.artifact };
    const actual = cacheRequestOf(deps, scope, body, entry);
    if (actual.key !== request.key) {
      await lease.release();
      await fillCache(cache.leases, actual, content);
    } else await lease.complete(content);
    return clip;
  } catch (error) {
    await releaseLease(deps, body, lease, signal);
    throw error;
  }
}

function clipOf({ value }: StoredPurchase): Clip {
  const { key, model, predictionId, artifact } = value;
  if (predictionId === undefined || artifact === undefined)
    throw new ClipmeshError('INTERNAL', `purchase ${key} is finished without a clip`);
  return { model, predictionId, artifact, charges: chargesIn(value), cached: false };
}

/** Releases the lease; suspends it instead while the purchase may still yield a clip, so that the others keep waiting. */
async function releaseLease(deps: ClipDeps, body: ClipGenerateBody, lease: Lease, signal: AbortSignal): Promise<void> {
  try {
    const isAbandoned = signal.aborted
      ? await deps.isCanceled(body.generationId)
      : nextStep(await clipPurchases(deps, body.generationId), body, deps).kind === 'buy';
    await (isAbandoned ? lease.release() : lease.suspend());
  } catch (error) {
    deps.logger.warn(
      { err: error, generationId: body.generationId },
      'could not release a cache lease; it expires by itself',
    );
    await lease.suspend();
  }
}
