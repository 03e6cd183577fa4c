import { ClipmeshError } from '@clipmesh/contracts';
import { AlreadyExistsError, type CacheEntry, type CacheStore, ConflictError, type Versioned } from '../ports.js';
import { leaseStep } from './cache.rules.js';

/** A lost nudge delays whoever waits by this much, ms. */
const SAFETY_LOOK_MS = 10_000;
/** A lease is renewed this often within its length. */
const RENEWALS = 3;

export interface LeaseDeps {
  readonly store: CacheStore;
  readonly clock: { now(): number; sleep(ms: number, signal?: AbortSignal): Promise<void> };
  /** Hints among replicas that an entry has changed; one that is lost costs time and nothing else. */
  readonly nudges: { notify(key: string): void; on(key: string, callback: () => void): () => void };
  /** A holder that gives no sign of life for this long loses its flight, ms. */
  readonly leaseMs: number;
  readonly ttlMs: number;
  readonly warn: (error: unknown, key: string, text: string) => void;
}

/** What is wanted, and for whom. */
export interface LeaseRequest {
  readonly key: string;
  readonly kind: CacheEntry['kind'];
  readonly model: string;
  /** Unique to one purchase and the same after a redelivery. */
  readonly holder: string;
}

export type Content = Pick<CacheEntry, 'predictionId' | 'artifact' | 'answer'>;

export interface AcquireOptions {
  readonly signal: AbortSignal;
  /** Longest wait for somebody else's purchase, ms. 0: it is not waited for, and `hit` is not looked for. */
  readonly timeoutMs: number;
  /** Whether what the entry names is still there and is what it was. One that fails is removed. */
  readonly isValid: (entry: CacheEntry) => Promise<boolean>;
}

/** A purchase that others may be waiting for. Its lease is renewed until one of its ends is called. */
export interface Lease {
  /** The content is here: everybody gets it. Never rejects: whoever bought it has it all the same. */
  complete(content: Content): Promise<void>;
  /** Nothing will come of it: somebody else may buy. */
  release(): Promise<void>;
  /** It goes on later, in this process or another, within a lease from now. */
  suspend(): Promise<void>;
}

export type Acquisition =
  { readonly kind: 'hit'; readonly entry: CacheEntry } | { readonly kind: 'lease'; readonly lease: Lease };

/**
 * Gives the content of a key, or the right to buy it, which one purchase has at a time, over all replicas. Waits while
 * another has it; when that one gives up, or its lease runs out, one of those that wait gets it. Throws the signal's
 * reason, `PROVIDER_TIMEOUT` after `timeoutMs`, and what the store throws.
 */
export async function acquire(parts: LeaseDeps, wish: LeaseRequest, options: AcquireOptions): Promise<Acquisition> {
  const { store, clock, nudges, ttlMs } = parts;
  const { signal, timeoutMs } = options;
  const endMs = clock.now() + timeoutMs;
  let wake = new AbortController();
  const stop = nudges.on(wish.key, () => {
    wake.abort();
  });
  try {
    for (;;) {
      signal.throwIfAborted();
      // Made before the look: a nudge that comes after it ends the wait.
      wake = new AbortController();
      const found = await store.get(wish.key);
      const step = leaseStep(found?.value, wish.holder, clock.now(), ttlMs);
      if (timeoutMs === 0 && (step === 'use' || step === 'wait')) return { kind: 'lease', lease: open(parts, wish) };
      try {
        if (found === undefined) await store.create(filling(parts, wish));
        else if (step === 'use') {
          if (await options.isValid(found.value)) return { kind: 'hit', entry: await touch(parts, found) };
          parts.warn(undefined, wish.key, 'a cached file is gone or damaged; it is bought anew');
          await store.remove(wish.key, found.revision);
          continue;
        } else if (step === 'wait') {
          const leftMs = endMs - clock.now();
          if (leftMs <= 0) throw new ClipmeshError('PROVIDER_TIMEOUT', 'what another generation buys is late');
          const leaseMs = Date.parse(found.value.leaseUntil) - clock.now();
          await pause(parts, Math.min(leftMs, Math.max(leaseMs, 1), SAFETY_LOOK_MS), signal, wake.signal);
          continue;
        } else await store.save(filling(parts, wish), found.revision);
        return { kind: 'lease', lease: open(parts, wish) };
      } catch (error) {
        // Another was faster: look again.
        if (!(error instanceof ConflictError || error instanceof AlreadyExistsError)) throw error;
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

/** Notes the use; the content counts, so that a note that fails is no failure. */
async function touch({ store, clock, warn }: LeaseDeps, { value, revision }: Versioned<CacheEntry>) {
  const used = { ...value, usedAt: iso(clock.now()) };
  await store.save(used, revision).catch((error: unknown) => {
    if (!(error instanceof ConflictError)) warn(error, value.key, 'the use of a cached entry could not be noted');
  });
  return used;
}

function open(parts: LeaseDeps, wish: LeaseRequest): Lease {
  const { store, clock, leaseMs, nudges, warn } = parts;
  const ended = new AbortController();
  const renew = async (): Promise<void> => {
    const found = await store.get(wish.key);
    if (found?.value.status !== 'filling' || found.value.holder !== wish.holder) return;
    await store.save({ ...found.value, leaseUntil: iso(clock.now() + leaseMs) }, found.revision);
  };
  const quietly = (work: Promise<void>, text: string): Promise<void> =>
    work.catch((error: unknown) => {
      if (!(error instanceof ConflictError)) warn(error, wish.key, text);
    });
  const keepAlive = async (): Promise<void> => {
    while (!ended.signal.aborted) {
      await clock.sleep(leaseMs / RENEWALS, ended.signal);
      await quietly(renew(), 'a lease could not be renewed');
    }
  };
  void keepAlive().catch(() => undefined);
  return {
    complete: async (content) => {
      ended.abort();
      await fillCache(parts, wish, content);
      nudges.notify(wish.key);
    },
    release: async () => {
      ended.abort();
      const removal = store.get(wish.key).then(async (found) => {
        if (found?.value.status === 'filling' && found.value.holder === wish.holder)
          await store.remove(wish.key, found.revision);
      });
      await quietly(removal, 'a flight could not be given up; its lease runs out');
      nudges.notify(wish.key);
    },
    suspend: async () => {
      ended.abort();
      await quietly(renew(), 'a lease could not be renewed');
    },
  };
}

/**
 * The first content of a key stays. One that another has taken over meanwhile is filled all the same: it is here. Never
 * rejects: what could not be put there is bought anew for the next who wants it.
 */
export async function fillCache(parts: LeaseDeps, wish: LeaseRequest, content: Content): Promise<void> {
  try {
    while (!(await put(parts, wish, content)));
  } catch (error) {
    parts.warn(error, wish.key, 'what was bought could not be put into the cache');
  }
}

/** False when another was faster, at whatever it did. */
async function put(parts: LeaseDeps, wish: LeaseRequest, content: Content): Promise<boolean> {
  const { store, clock, ttlMs } = parts;
  const found = await store.get(wish.key);
  if (found !== undefined && leaseStep(found.value, wish.holder, clock.now(), ttlMs) === 'use') return true;
  const ready: CacheEntry = { ...filling(parts, wish), ...content, status: 'ready' };
  try {
    await (found === undefined ? store.create(ready) : store.save(ready, found.revision));
    return true;
  } catch (error) {
    if (error instanceof ConflictError || error instanceof AlreadyExistsError) return false;
    throw error;
  }
}
