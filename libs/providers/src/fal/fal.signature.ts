import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';
import { ClipmeshError, messageOf } from '@clipmesh/contracts';
import { z } from 'zod';
import { type ReceivedWebhook } from '../reports/report.lane.js';

/** fal allows its keys to be cached for this long, ms. */
const KEYS_MAX_AGE_MS = 24 * 60 * 60 * 1000;
/** Pause between two reads of the keys, ms. Webhooks with wrong signatures cannot cause more of them. */
const REFRESH_GAP_MS = 60_000;
/** A webhook may be this much older or newer than the local clock, ms. */
const TOLERANCE_MS = 5 * 60_000;
const MAX_JWKS_BYTES = 64 * 1024;
const MAX_KEYS = 20;

const jwksSchema = z.object({ keys: z.array(z.unknown()) });
const jwkSchema = z.object({ kty: z.literal('OKP'), crv: z.literal('Ed25519'), x: z.string() });

export interface FalSignatureOptions {
  /** URL of fal's public keys. */
  readonly jwksUrl: string;
  /** Time limit of one read of the keys, ms. */
  readonly timeoutMs: number;
  /** Default: the system clock. */
  readonly now?: () => number;
}

/** Whether fal signed a webhook within the last 5 minutes. Throws `PROVIDER_UNAVAILABLE` when its keys cannot be read. */
export type FalSignature = (webhook: ReceivedWebhook) => Promise<boolean>;

/**
 * Verifies the signatures of fal's webhooks (https://docs.fal.ai/model-apis/model-endpoints/webhooks): ED25519 over the request id, the
 * user id, the time and the hash of the body, with the keys of its JWKS. Keys are read again after 24 h, and when none fits, at most
 * once a minute.
 */
export function createFalSignature({ jwksUrl, timeoutMs, now = Date.now }: FalSignatureOptions): FalSignature {
  let keys: readonly KeyObject[] = [];
  let readAtMs = -Infinity;
  let triedAtMs = -Infinity;
  let reading: Promise<void> | undefined;

  async function read(): Promise<void> {
    triedAtMs = now();
    keys = await readKeys(jwksUrl, timeoutMs);
    readAtMs = triedAtMs;
  }

  /** Reads the keys unless that was tried within the last minute. Resolves with whether they are new. */
  async function refresh(): Promise<boolean> {
    if (reading === undefined) {
      if (now() - triedAtMs < REFRESH_GAP_MS) return false;
      reading = read().finally(() => {
        reading = undefined;
      });
    }
    await reading;
    return true;
  }

  return async ({ header, body }) => {
    const message = messageOfWebhook(header, body, now());
    if (message === undefined) return false;
    const fits = (): boolean => keys.some((key) => verify(null, message.text, key, message.signature));
    if (now() - readAtMs < KEYS_MAX_AGE_MS) return fits() || ((await refresh()) && fits());
    if (!(await refresh()))
      throw new ClipmeshError('PROVIDER_UNAVAILABLE', 'the keys of fal could not be read a short time ago');
    return fits();
  };
}

/** What a webhook claims to sign. Undefined: a header is missing, has another form, or is too old or too new. */
function messageOfWebhook(
  header: ReceivedWebhook['header'],
  body: Uint8Array,
  nowMs: number,
): { text: Buffer; signature: Buffer } | undefined {
  const requestId = header('x-fal-webhook-request-id');
  const userId = header('x-fal-webhook-user-id');
  const timestamp = header('x-fal-webhook-timestamp');
  const signature = header('x-fal-webhook-signature');
  if (!requestId || !userId || !timestamp || !signature) return undefined;
  if (!/^\d{1,12}$/.test(timestamp) || !/^[0-9a-f]{128}$/i.test(signature)) return undefined;
  if (Math.abs(nowMs - Number(timestamp) * 1000) > TOLERANCE_MS) return undefined;
  const hash = createHash('sha256').update(body).digest('hex');
  return {
    text: Buffer.from([requestId, userId, timestamp, hash].join('\n')),
    signature: Buffer.from(signature, 'hex'),
  };
}

/** The ED25519 keys of a JWKS. Throws `PROVIDER_UNAVAILABLE` when there is none. */
async function readKeys(url: string, timeoutMs: number): Promise<readonly KeyObject[]> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
    if (!response.ok) {
      await response.body?.cancel();
      throw new Error(`status ${response.status}`);
    }
    const { keys } = jwksSchema.parse(JSON.parse(await textOf(response)));
    const usable = keys.slice(0, MAX_KEYS).flatMap((key) => keyOf(key) ?? []);
    if (usable.length === 0) throw new Error('there is no ED25519 key');
    return usable;
  } catch (cause) {
    throw new ClipmeshError('PROVIDER_UNAVAILABLE', `the keys of fal cannot be read: ${messageOf(cause)}`, { cause });
  }
}

async function textOf(response: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += part.length;
    if (bytes > MAX_JWKS_BYTES) throw new Error(`it is larger than ${MAX_JWKS_BYTES} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

function keyOf(jwk: unknown): KeyObject | undefined {
  const parsed = jwkSchema.safeParse(jwk);
  if (!parsed.success) return undefined;
  try {
    return createPublicKey({ key: parsed.data, format: 'jwk' });
  } catch {
    return undefined;
  }
}
