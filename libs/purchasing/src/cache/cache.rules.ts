import { createHash } from 'node:crypto';
import { type CacheEntry } from '@clipmesh/persistence';

/** JSON with sorted fields, so that equal values give equal text. Omits undefined fields. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item: unknown) => canonicalJson(item ?? null)).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value ?? null);
  const fields = Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, field]) => `${JSON.stringify(name)}:${canonicalJson(field)}`);
  return `{${fields.join(',')}}`;
}

/** Cache key of an input: 64 hexadecimal digits. */
export function cacheKey(input: object): string {
  return createHash('sha256').update(canonicalJson(input)).digest('hex');
}

/** Next step of a request for the content of an entry. */
export type LeaseStep =
  /** The content is available. */
  | 'use'
  /** No entry: create one with a lease, then buy. */
  | 'create'
  /** The entry or its lease has expired: take it over, then buy. */
  | 'take'
  /** The lease is the holder's own, from before a redelivery: buy. */
  | 'resume'
  /** Another holder has the lease. */
  | 'wait';

export function leaseStep(
  entry: Pick<CacheEntry, 'status' | 'holder' | 'leaseUntil' | 'createdAt'> | undefined,
  holder: string,
  nowMs: number,
  ttlMs: number,
): LeaseStep {
  if (entry === undefined) return 'create';
  if (entry.status === 'ready') return isExpired(entry, nowMs, ttlMs) ? 'take' : 'use';
  if (entry.holder === holder) return 'resume';
  return Date.parse(entry.leaseUntil) <= nowMs ? 'take' : 'wait';
}

const isExpired = ({ createdAt }: Pick<CacheEntry, 'createdAt'>, nowMs: number, ttlMs: number): boolean =>
  nowMs - Date.parse(createdAt) >= ttlMs;

export interface CacheLimits {
  /** Lifetime of an entry, ms. */
  readonly ttlMs: number;
  /** Maximum total size of the files of all entries. A shared file counts once. */
  readonly maxBytes: number;
}

/** Entries to evict: abandoned leases, expired entries, then the least recently used until the rest fits. */
export function toEvict<T extends { readonly value: CacheEntry }>(
  entries: readonly T[],
  nowMs: number,
  { ttlMs, maxBytes }: CacheLimits,
): T[] {
  const isOld = ({ value }: T): boolean =>
    value.status === 'ready' ? isExpired(value, nowMs, ttlMs) : Date.parse(value.leaseUntil) + ttlMs <= nowMs;
  const evicted = entries.filter(isOld);
  const newestFirst = entries
    .filter((entry) => !isOld(entry) && entry.value.status === 'ready')
    .sort((a, b) => Date.parse(b.value.usedAt) - Date.parse(a.value.usedAt));
  const kept = new Set<string>();
  let bytes = 0;
  let isFull = false;
  for (const entry of newestFirst) {
    const { artifact } = entry.value;
    if (artifact === undefined || kept.has(artifact.key)) continue;
    // Strict LRU order: after the first entry that does not fit, no older one is kept.
    isFull ||= bytes + artifact.bytes > maxBytes;
    if (isFull) evicted.push(entry);
    else {
      kept.add(artifact.key);
      bytes += artifact.bytes;
    }
  }
  return evicted;
}
