import { createHash } from 'node:crypto';

/** A key of any characters as one that every store takes. */
export function hashKey(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}
