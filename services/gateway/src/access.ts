import { createHash, timingSafeEqual } from 'node:crypto';

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
const LOOPBACK = new Set(['127.0.0.1', '::1', 'localhost']);

/** The owner behind a bearer token, from `owner:key` pairs. Without any pair everybody is `local`. Keys are compared in constant time. */
export function createAccess(pairs: readonly string[]): (authorization: string | undefined) => string | undefined {
  if (pairs.length === 0) return () => 'local';
  const keys = pairs.map((pair) => ({
    owner: pair.slice(0, pair.indexOf(':')),
    key: digest(pair.slice(pair.indexOf(':') + 1)),
  }));
  return (authorization) => {
    const token = /^Bearer (\S+)$/i.exec(authorization ?? '')?.[1];
    if (token === undefined) return undefined;
    const given = digest(token);
    return keys.filter(({ key }) => timingSafeEqual(key, given))[0]?.owner;
  };
}

/** Throws when the gateway would be open to others without a key. */
export function refuseOpenDoor(host: string, pairs: readonly string[]): void {
  if (pairs.length > 0 || LOOPBACK.has(host)) return;
  throw new Error(
    `GATEWAY_HOST is ${host}, which others can reach, and API_KEYS is empty; set API_KEYS=owner:key, or listen on 127.0.0.1`,
  );
}
