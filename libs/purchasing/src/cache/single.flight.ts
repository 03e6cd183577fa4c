import { ClipmeshError, isWriteConflict, retryOnConflict } from '@clipmesh/contracts';
import { type CacheEntry, type CacheStore, ConflictError, type Versioned } from '@clipmesh/persistence';
import { leaseStep } from './cache.rules.js';

/** Poll interval while waiting, ms: the delay after a lost nudge. */
const POLL_MS = 10_000;
/** Number of renewals per lease duration. */
const RENEWALS = 3;

export interface LeaseDeps {
  readonly store: CacheStore;
  readonly clock: { now(): number; sleep(ms: number, signal?: AbortSignal): Promise<void> };
  /** Hints that an entry changed. A lost one only causes a delay. */
  readonly nudges: { notify(key: string): void; on(key: string, callback: () => void): () => void };
  /** Duration of a lease, ms. A holder that does not renew it loses it. */
  readonly leaseMs: number;
  readonly ttlMs: number;
  readonly warn: (error: unknown, key: string, text: string) => void;
}

/** Requested content and its holder. */
export interface LeaseRequest {
  readonly key: string;
  readonly kind: CacheEntry['kind'];
  readonly model: string;
  /** Unique to one purchase, and stable across redeliveries. */
  readonly holder: string;
}

export type Content = Pick<CacheEntry, 'predictionId' | 'artifact' | 'answer'>;

export interface AcquireOptions {
  readonly signal: AbortSignal;
  /** Maximum wait for the purchase of another holder, ms. 0: does not wait and ignores existing content. */
  readonly timeoutMs: number;
  /** Whether the content of an entry is intact. Otherwise the entry is removed. */
  readonly isValid: (entry: CacheEntry) => Promise<boolean>;
}

/** The right to buy the content of a key. Renewed automatically until one of its methods is called. */
export interface Lease {
  /** Stores the content for all. Never rejects, because the buyer has the content anyway. */
  complete(content: Content): Promise<void>;
  /** Ends the lease without content. Another holder may buy. */
  release(): Promise<void>;
  /** Stops renewing. The holder resumes within one lease duration, in this process or another. */
  suspend(): Promise<void>;
}

export type Acquisition =
  { readonly kind: 'hit'; readonly entry: CacheEntry } | { readonly kind: 'lease'; readonly lease: Lease };

/**
 * Returns the content of a key, or the lease to buy it, which one purchase across all replicas holds at a time. Waits while
 * another holder has the lease; when it is released or expires, one of the waiting requests acquires it. Throws the reason of
 * the signal, `PROVIDER_TIMEOUT` after `timeoutMs`, and errors of the store.
 */
export async function acquire(deps: LeaseDeps, request: LeaseRequest, options: AcquireOptions): Promise<Acquisition> {
  const { store, clock, nudges, ttlMs } = deps;
  const { signal, timeoutMs } = options;
  const endMs = clock.now() + timeoutMs;
  let wake = new AbortController();
  const stop = nudges.on(request.key, () => {
    wake.abort();
  });
  try {
    for (;;) {
      signal.throwIfAborted();
      // Created before the read, so that a nudge after the read ends the wait.
      wake = new AbortController();
      const found = await store.get(request.key);
      const step = leaseStep(found?.value, request.holder, clock.now(), ttlMs);
      if (timeoutMs === 0 && (step === 'use' || step === 'wait')) return { kind: 'lease', lease: open(deps, request) };
      try {
        if (found === undefined) await store.create(filling(deps, request));
        else if (step === 'use') {
          if (await options.isValid(found.value)) return { kind: 'hit', entry: await touch(deps, found) };
          deps.warn(undefined, request.key, 'a cached file is missing or damaged; buying it again');
          await store.remove(request.key, found.revision);
          continue;
        } else if (step === 'wait') {
          const leftMs = endMs - clock.now();
          if (leftMs <= 0)
            throw new ClipmeshError('PROVIDER_TIMEOUT', 'timed out waiting for the purchase of another generation');
          const leaseMs = Date.parse(found.value.leaseUntil) - clock.now();
          await pause(deps, Math.min(leftMs, Math.max(leaseMs, 1), POLL_MS), signal, wake.signal);
          continue;
        } else await store.save(filling(deps, request), found.revision);
        return { kind: 'lease', lease: open(deps, request) };
      } catch (error) {
        // Conflict: read again.
        if (!isWriteConflict(error)) throw error;
      }
    }
  } finally {
    stop();
  }
}

async function pause({ clock }: LeaseDeps, ms: number, signal: AbortSignal, wake: AbortSignal): Promise<void> {
  try {
    await clock.sleep(ms, AbortSignal.any([signal, wake]));
  } catch (error) {
    signal.throwIfAborted();
    if (!wake.aborted) throw error;
  }
}

const iso = (ms: number): string => new Date(ms).toISOString();

function filling({ clock, leaseMs }: LeaseDeps, { key, kind, model, holder }: LeaseRequest): CacheEntry {
  const now = iso(clock.now());
  const leaseUntil = iso(clock.now() + leaseMs);
  return { key, kind, status: 'filling', holder, leaseUntil, createdAt: now, usedAt: now, model };
}

/** Records the use of an entry. Errors are only logged. */
async function touch({ store, clock, warn }: LeaseDeps, { value, revision }: Versioned<CacheEntry>) {
  const used = { ...value, usedAt: iso(clock.now()) };
  await store.save(used, revision).catch((error: unknown) => {
    if (!(error instanceof ConflictError)) warn(error, value.key, 'could not record the use of a cached entry');
  });
  return used;
}

function open(deps: LeaseDeps, request: LeaseRequest): Lease {
  const { store, clock, leaseMs, nudges, warn } = deps;
  const ended = new AbortController();
  const renew = async (): Promise<void> => {
    const found = await store.get(request.key);
    if (found?.value.status !== 'filling' || found.value.holder !== request.holder) return;
    await store.save({ ...found.value, leaseUntil: iso(clock.now() + leaseMs) }, found.revision);
  };
  const quietly = (work: Promise<void>, text: string): Promise<void> =>
    work.catch((error: unknown) => {
      if (!(error instanceof ConflictError)) warn(error, request.key, text);
    });
  const keepAlive = async (): Promise<void> => {
    while (!ended.signal.aborted) {
      await clock.sleep(leaseMs / RENEWALS, ended.signal);
      await quietly(renew(), 'could not renew a lease');
    }
  };
  void keepAlive().catch(() => undefined);
  return {
    complete: async (content) => {
      ended.abort();
      await fillCache(deps, request, content);
      nudges.notify(request.key);
    },
    release: async () => {
      ended.abort();
      const removal = store.get(request.key).then(async (found) => {
        if (found?.value.status === 'filling' && found.value.holder === request.holder)
          await store.remove(request.key, found.revision);
      });
      await quietly(removal, 'could not release a lease; it expires');
      nudges.notify(request.key);
    },
    suspend: async () => {
      ended.abort();
      await quietly(renew(), 'could not renew a lease');
    },
  };
}

/**
 * Stores content unless the key has valid content already. Also fills an entry whose lease another holder has taken over. Never
 * rejects: after an error, the next request buys the content again.
 */
export async function fillCache(deps: LeaseDeps, request: LeaseRequest, content: Content): Promise<void> {
  try {
    await retryOnConflict(`the cache entry ${request.key}`, () => put(deps, request, content));
  } catch (error) {
    deps.warn(error, request.key, 'could not store purchased content in the cache');
  }
}

async function put(deps: LeaseDeps, request: LeaseRequest, content: Content): Promise<void> {
  const { store, clock, ttlMs } = deps;
  const found = await store.get(request.key);
  if (found !== undefined && leaseStep(found.value, request.holder, clock.now(), ttlMs) === 'use') return;
  const ready: CacheEntry = { ...filling(deps, request), ...content, status: 'ready' };
  await (found === undefined ? store.create(ready) : store.save(ready, found.revision));
}
