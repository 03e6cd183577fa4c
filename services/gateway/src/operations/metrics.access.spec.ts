import { describe, expect, it } from '@jest/globals';
import { checkScrape, refuseSharedToken } from './metrics.access.js';

const TOKEN = 'metrics-token-0123456789';
const here = { authorization: undefined, address: '127.0.0.1', headers: {} };

const outcome = (token: string | undefined, scrape: Parameters<typeof checkScrape>[1], isLocal = true): string => {
  try {
    checkScrape({ token, isLocal }, scrape);
    return 'read';
  } catch (error) {
    return (error as { code: string }).code;
  }
};

describe('access to the metrics', () => {
  it.each([
    ['the token', TOKEN, { ...here, authorization: `Bearer ${TOKEN}` }, 'read'],
    ['the token, from elsewhere', TOKEN, { ...here, address: '10.1.2.3', authorization: `bearer ${TOKEN}` }, 'read'],
    ['the token, through a proxy', TOKEN, { ...here, authorization: `Bearer ${TOKEN}`, headers: { via: 'x' } }, 'read'],
    ['no token', TOKEN, here, 'UNAUTHORIZED'],
    ['an API key', TOKEN, { ...here, authorization: 'Bearer ann-key-0123456789' }, 'UNAUTHORIZED'],
    ['a part of the token', TOKEN, { ...here, authorization: 'Bearer metrics-token' }, 'UNAUTHORIZED'],
    ['another scheme', TOKEN, { ...here, authorization: `Basic ${TOKEN}` }, 'UNAUTHORIZED'],
    ['no token set, on this machine', undefined, here, 'read'],
    ['no token set, over IPv6', undefined, { ...here, address: '::1' }, 'read'],
    ['no token set, over mapped IPv4', undefined, { ...here, address: '::ffff:127.0.0.1' }, 'read'],
    ['no token set, from elsewhere', undefined, { ...here, address: '10.1.2.3' }, 'METRICS_CLOSED'],
    ['no token set, from a mapped address', undefined, { ...here, address: '::ffff:10.1.2.3' }, 'METRICS_CLOSED'],
    [
      'no token set, an API key',
      undefined,
      { ...here, address: '10.1.2.3', authorization: 'Bearer ann-key-0123456789' },
      'METRICS_CLOSED',
    ],
    ['no token set, a closed connection', undefined, { ...here, address: undefined }, 'METRICS_CLOSED'],
    ...['forwarded', 'x-forwarded-for', 'x-real-ip', 'via'].map(
      (name) =>
        [`no token set, ${name}`, undefined, { ...here, headers: { [name]: '127.0.0.1' } }, 'METRICS_CLOSED'] as const,
    ),
  ] as const)('with %s', (_what, token, scrape, expected) => {
    expect(outcome(token, scrape)).toBe(expected);
  });

  it.each([
    ['no token set', undefined, here, 'METRICS_CLOSED'],
    ['no token set, over IPv6', undefined, { ...here, address: '::1' }, 'METRICS_CLOSED'],
    ['no token sent', TOKEN, here, 'UNAUTHORIZED'],
    ['the token', TOKEN, { ...here, authorization: `Bearer ${TOKEN}` }, 'read'],
  ] as const)('of a gateway that is not local does not depend on the address: %s', (_what, token, scrape, expected) => {
    expect(outcome(token, scrape, false)).toBe(expected);
  });

  it('throws when the token is an API key', () => {
    const pairs = ['ann:ann-key-0123456789', 'bob:with:colon-0123456789'];
    for (const token of ['ann-key-0123456789', 'with:colon-0123456789'])
      expect(() => {
        refuseSharedToken(token, pairs);
      }).toThrow(/METRICS_TOKEN/);
    for (const token of [undefined, TOKEN])
      expect(() => {
        refuseSharedToken(token, pairs);
      }).not.toThrow();
  });
});
