import { createHash } from 'node:crypto';
import { type CacheEntry } from '../ports.js';

/** The same text for the same value, in whatever order its fields were set; fields that are undefined are left out. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item: unknown) => canonicalJson(item ?? null)).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value ?? null);
  const fields = Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, field]) => `${JSON.stringify(name)}:${canonicalJson(field)}`);
  return `{${fields.join(',')}}`;
}

/** The key of everything that changes an output: 64 hexadecimal digits. */
export function cacheKey(input: object): string {
  return createHash('sha256').update(canonicalJson(input)).digest('hex');
}

/** What somebody who wants an entry's content does now. */
export type LeaseStep =
  /** It is here. */
  | 'use'
  /** Nobody buys it: write an entry, then buy. */
  | 'create'
  /** What is there is past its time: take the entry over, then buy. */
  | 'take'
  /** The flight is one's own, begun before a redelivery: buy. */
  | 'resume'
  /** Somebody else is buying it. */
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
  /** An entry is good for this long, ms. */
  readonly ttlMs: number;
  /** Files of all entries together; one file that two entries name counts once. */
  readonly maxBytes: number;
}

/** The entries that have to go: left behind, too old, and then the least recently used, until the rest fits. */
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
    // Once one does not fit, none that was used before it stays in its place.
    isFull ||= bytes + artifact.bytes > maxBytes;
    if (isFull) evicted.push(entry);
    else {
      kept.add(artifact.key);
      bytes += artifact.bytes;
    }
  }
  return evicted;
}
