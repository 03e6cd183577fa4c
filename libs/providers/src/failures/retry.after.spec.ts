import { describe, expect, it } from '@jest/globals';
import { errorOfStatus } from './provider.errors.js';
import { retryAfterOf } from './retry.after.js';

const NOW = Date.parse('2026-11-29T12:00:00Z');
/** Responses in the forms of Replicate, OpenAI, Azure, Gemini, Anthropic and proxies. */
const REAL: readonly (readonly [
  string,
  { headers?: Record<string, string>; body?: string; status?: number },
  number | undefined,
])[] = [
  ['nothing', {}, undefined],
  ['seconds', { headers: { 'retry-after': '2' } }, 2000],
  ['a fraction of a second', { headers: { 'retry-after': '0.5' } }, 500],
  ['an HTTP date', { headers: { 'retry-after': 'Sun, 29 Nov 2026 12:00:10 GMT' } }, 10_000],
  ['an HTTP date in the past', { headers: { 'retry-after': 'Sun, 29 Nov 2026 11:00:00 GMT' } }, 0],
  ['an ISO date', { headers: { 'retry-after': '2026-11-29T12:00:07Z' } }, 7000],
  ['a word', { headers: { 'retry-after': 'soon' } }, undefined],
  ['a day, capped', { headers: { 'retry-after': '86400' } }, 300_000],
  ['milliseconds before seconds', { headers: { 'retry-after-ms': '1250', 'retry-after': '2' } }, 1250],
  ['Azure, ms', { headers: { 'x-ms-retry-after-ms': '900' } }, 900],
  [
    'Replicate',
    {
      body: '{"detail":"Request was throttled. Your rate limit for creating predictions is reduced to 6 requests per minute with a burst of 1 requests while you have less than $5.0 in credit. Your rate limit resets in ~5s.","status":429,"retry_after":5}',
    },
    5000,
  ],
  [
    'Replicate without the field',
    { body: '{"detail":"Request was throttled. Your rate limit resets in ~30s."}' },
    30_000,
  ],
  ['a field with a string value', { body: '{"error":{"message":"slow down","retry_after":"7"}}' }, 7000],
  [
    'OpenAI',
    {
      body: '429 Rate limit reached for gpt-4o-mini in organization org-x on requests per min (RPM): Limit 3, Used 3, Requested 1. Please try again in 20s.',
    },
    20_000,
  ],
  ['OpenAI, minutes', { body: 'Rate limit reached. Please try again in 7m12s. Visit the page.' }, 300_000],
  ['OpenAI, a minute and a half', { body: 'Please try again in 1m30s' }, 90_000],
  ['OpenAI, ms', { body: 'Please try again in 120ms.' }, 120],
  ['OpenAI, fractions', { body: 'Please try again in 5.202s.' }, 5202],
  [
    'Azure',
    {
      body: 'Requests have exceeded call rate limit of your current OpenAI S0 pricing tier. Please retry after 22 seconds.',
    },
    22_000,
  ],
  ['minutes in words', { body: 'Too many requests, try again in 2 minutes' }, 120_000],
  [
    'Gemini',
    {
      body: '{"error":{"code":429,"details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"44s"}]}}',
    },
    44_000,
  ],
  ['Gemini, its sentence', { body: 'You exceeded your current quota. Please retry in 34.074824224s.' }, 34_075],
  [
    'OpenAI, only the exhausted limit',
    {
      headers: {
        'x-ratelimit-remaining-requests': '0',
        'x-ratelimit-reset-requests': '1s',
        'x-ratelimit-remaining-tokens': '149984',
        'x-ratelimit-reset-tokens': '2m30s',
      },
    },
    1000,
  ],
  [
    'OpenAI, remaining counts absent',
    { headers: { 'x-ratelimit-reset-requests': '120ms', 'x-ratelimit-reset-tokens': '6s' } },
    6000,
  ],
  [
    'the same headers with another status',
    { status: 500, headers: { 'x-ratelimit-reset-requests': '20s' } },
    undefined,
  ],
  ['a time since the epoch', { headers: { 'x-ratelimit-reset': String(NOW / 1000 + 9) } }, 9000],
  ['a time since the epoch, ms', { headers: { 'x-ratelimit-reset': String(NOW + 9000) } }, 9000],
  [
    'a date',
    { headers: { 'x-ratelimit-reset': 'Sun Nov 29 2026 13:00:42 GMT+0100 (Central European Standard Time)' } },
    42_000,
  ],
  ['a sentence without a time', { body: 'Please try again later.' }, undefined],
  ['a number that is not a pause', { body: 'limited to 6 requests in 60 seconds' }, undefined],
];

describe('the pause that a provider requests', () => {
  it.each(REAL)('%s', (_name, { headers, body, status = 429 }, ms) => {
    expect(retryAfterOf({ status, headers: new Headers(headers), ...(body === undefined ? {} : { body }) }, NOW)).toBe(
      ms,
    );
  });
  it('is part of the error', () => {
    const error = errorOfStatus('POST /x', { status: 429, body: '{"retry_after":3}' }, NOW);
    expect(error).toMatchObject({ code: 'PROVIDER_RATE_LIMITED', retryAfterMs: 3000 });
  });
});

describe('the error of a refused request', () => {
  const PROMPT = 'a sign: your prompt was rejected (E005)';
  it.each([
    [
      422,
      '{"title":"Input validation failed","detail":"- input.duration: must be one of 4, 6, 8","status":422}',
      'PROVIDER_BAD_INPUT',
    ],
    [422, '{"detail":[{"loc":["body","prompt"],"type":"content_policy_violation"}]}', 'PREDICTION_REFUSED'],
    [400, "This prompt contains words that violate Vertex AI's usage guidelines.", 'PREDICTION_REFUSED'],
    [400, '{"error":{"code":"content_filter"}}', 'PREDICTION_REFUSED'],
    [403, '{"detail":"User is locked. Reason: Exhausted balance."}', 'PROVIDER_OUT_OF_CREDIT'],
    [403, '{"detail":"You do not have permission"}', 'PROVIDER_AUTH'],
    [
      402,
      '{"title":"Insufficient credit","detail":"You have insufficient credit to run this model.","status":402}',
      'PROVIDER_OUT_OF_CREDIT',
    ],
    // The status says that the service failed, whatever the body says.
    [503, '{"detail":"flagged as sensitive (E005)"}', 'PROVIDER_UNAVAILABLE'],
    [429, '{"detail":"content policy violation"}', 'PROVIDER_RATE_LIMITED'],
    [422, 'service unavailable', 'PROVIDER_BAD_INPUT'],
    [422, `{"detail":"cannot draw ${PROMPT}"}`, 'PROVIDER_BAD_INPUT'],
    [422, `{"detail":"no","input":{"prompt":"${PROMPT}"}}`, 'PROVIDER_BAD_INPUT'],
    [422, `{"detail":"${PROMPT}: this prompt was flagged"}`, 'PREDICTION_REFUSED'],
  ] as const)('%i %s is %s', (status, body, code) => {
    expect(errorOfStatus('POST /x', { status, body }, NOW, [PROMPT]).code).toBe(code);
  });
});
