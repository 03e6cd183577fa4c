import { durationMs, waitMs } from '@clipmesh/contracts';
import { jsonOf } from './json.text.js';

/** Longest pause that a provider may request, ms: a wrong header must not stop us for a day. */
export const MAX_RETRY_AFTER_MS = 5 * 60_000;

/** A response with an error status. */
export interface Refusal {
  readonly status: number;
  readonly headers?: Pick<Headers, 'get'> | undefined;
  /** The unparsed body: JSON or text. */
  readonly body?: string;
}

/** `resets in ~30s`, `try again in 1m30s`, `retry after 22 seconds`, `Please retry in 34.07s`. */
const SENTENCE =
  /\b(?:resets?|again|retry|available)\b[^.\d]{0,24}\b(?:in|after)\b ~?(\d+(?:\.\d+)?) ?(ms|milliseconds?|s|sec(?:ond)?s?|m|min(?:ute)?s?|h|hours?)\b|\b(?:again|retry) (?:in|after) ((?:\d+(?:\.\d+)?(?:ms|s|m|h))+)/i;
const SECONDS_FIELDS: ReadonlySet<string> = new Set(['retry_after', 'retryafter', 'retry_after_seconds', 'retrydelay']);
const RESETS = [
  'x-ratelimit-reset-requests',
  'x-ratelimit-reset-tokens',
  'x-ratelimit-reset',
  'ratelimit-reset',
] as const;

/**
 * How long a response asks to wait, ms from now: by `Retry-After` (seconds or an HTTP date) and similar headers, by fields of a JSON
 * body, by a sentence in the body, and for a 429 last by the headers with the reset times of limits, which OpenAI sends with every
 * response. At most 300,000. Undefined when the response says nothing about it.
 */
export function retryAfterOf({ status, headers, body = '' }: Refusal, nowMs: number): number | undefined {
  const header = (name: string): string => headers?.get(name)?.trim() ?? '';
  const wait =
    milliseconds(header('retry-after-ms')) ??
    milliseconds(header('x-ms-retry-after-ms')) ??
    waitMs(header('retry-after'), nowMs) ??
    fieldOf(jsonOf(body), nowMs) ??
    sentenceOf(body) ??
    (status === 429 ? resetOf(header, nowMs) : undefined);
  return wait === undefined ? undefined : Math.min(MAX_RETRY_AFTER_MS, Math.max(0, Math.ceil(wait)));
}

const milliseconds = (text: string): number | undefined => (/^\d+(\.\d+)?$/.test(text) ? Number(text) : undefined);

/** The `retry_after` field of the body, at any depth up to 4. */
function fieldOf(value: unknown, nowMs: number, depth = 0): number | undefined {
  if (typeof value !== 'object' || value === null || depth > 4) return undefined;
  for (const [name, each] of Object.entries(value)) {
    const known = SECONDS_FIELDS.has(name.toLowerCase()) && (typeof each === 'number' || typeof each === 'string');
    const wait = known ? waitMs(String(each), nowMs) : fieldOf(each, nowMs, depth + 1);
    if (wait !== undefined) return wait;
  }
  return undefined;
}

function sentenceOf(body: string): number | undefined {
  const match = SENTENCE.exec(body.slice(0, 4000));
  if (match === null) return undefined;
  const [, count, unit = '', whole] = match;
  if (whole !== undefined) return durationMs(whole.toLowerCase());
  const name = /^m(s|il)/i.test(unit) ? 'ms' : (unit[0] ?? '').toLowerCase();
  return durationMs(`${count}${name}`);
}

/** The longest reset time of the exhausted limits; of all limits when none says what remains. */
function resetOf(header: (name: string) => string, nowMs: number): number | undefined {
  const resets = RESETS.flatMap((name) => {
    const wait = waitMs(header(name), nowMs);
    return wait === undefined ? [] : [{ wait, left: header(name.replace('reset', 'remaining')) }];
  });
  const usedUp = resets.filter(({ left }) => left === '0');
  const waits = (usedUp.length > 0 ? usedUp : resets).map(({ wait }) => wait);
  return waits.length === 0 ? undefined : Math.max(...waits);
}
