import { createHash } from 'node:crypto';

/** Hashes a key of any characters to one that every store accepts. */
export function hashKey(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}
