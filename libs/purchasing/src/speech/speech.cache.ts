import { type Artifact, ClipmeshError } from '@clipmesh/contracts';
import { type SpeechModel, type SpeechRequest } from '@clipmesh/providers';
import { acquire, type LeaseRequest } from '../cache/single.flight.js';
import { cacheKey } from '../cache/cache.rules.js';
import { type SpeechDeps, type SpeechOrder } from './speech.deps.js';
import { measuresOf, type SpeechMeasures } from './speech.rules.js';

/** A stored speech. */
export interface StoredSpeech extends SpeechMeasures {
  readonly artifact: Artifact;
}

/** Increase when the mapping from a request to the provider's input changes. */
const INPUT_VERSION = 1;

/** The cache key of a speech: a hash of everything that decides what it sounds like, within a scope. */
export const speechKey = (model: SpeechModel, request: SpeechRequest, scope?: string): string =>
  cacheKey({ kind: 'speech', version: INPUT_VERSION, provider: model.name, scope, input: model.cacheInput(request) });

/**
 * Returns a speech from the cache, or from `buy`. While one generation buys it, all others wait, across replicas. `waits`: false for a
 * scene that has a purchase already, which is continued without waiting.
 */
export async function throughSpeechCache(
  { cache, model, isIntact, callTimeoutMs }: SpeechDeps,
  order: SpeechOrder,
  { waits, signal }: { readonly waits: boolean; readonly signal: AbortSignal },
  buy: () => Promise<StoredSpeech>,
): Promise<StoredSpeech & { readonly cached: boolean }> {
  if (cache === undefined || order.cache === false) return { ...(await buy()), cached: false };
  const { generationId, scene, request } = order;
  const lease: LeaseRequest = {
    key: speechKey(model, request, await cache.scopeOf(generationId)),
    kind: 'speech',
    model: model.model,
    holder: `speech.${generationId}.${scene}`,
  };
  const acquired = await acquire(cache.leases, lease, {
    signal,
    timeoutMs: waits ? callTimeoutMs : 0,
    isValid: async ({ artifact, answer }) =>
      artifact !== undefined && measuresOf(answer) !== undefined && (await isIntact(artifact)),
  });
  if (acquired.kind === 'hit') {
    const { artifact, answer } = acquired.entry;
    const measures = measuresOf(answer);
    if (artifact === undefined || measures === undefined)
      throw new ClipmeshError('INTERNAL', `cache entry ${lease.key} has no speech`);
    return { artifact, ...measures, cached: true };
  }
  try {
    const { artifact, ...measures } = await buy();
    await acquired.lease.complete({ artifact, answer: measures });
    return { artifact, ...measures, cached: false };
  } catch (error) {
    // This try ended without a speech, so others need not wait.
    await acquired.lease.release();
    throw error;
  }
}
