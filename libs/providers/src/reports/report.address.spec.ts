import { describe, expect, it } from '@jest/globals';
import { reportAddress, reportedPurchase } from './report.address.js';

const SECRET = 'a secret of the tests, long enough';
const key = `clip.gen_${'1'.repeat(32)}.0.1`;
const address = reportAddress('https://clips.example/base?x=1', SECRET, { provider: 'fal', key });
const { pathname } = new URL(address);
const mac = pathname.split('/').at(-1) ?? '';

describe('the address of a report', () => {
  it('names the purchase, under the public URL', () => {
    expect(address).toBe(`https://clips.example/v1/webhooks/fal/${key}/${mac}`);
    expect(mac).toMatch(/^[\w-]{43}$/);
    expect(reportedPurchase(pathname, SECRET)).toEqual({ provider: 'fal', key });
  });

  it.each<[string, string]>([
    ['another purchase', pathname.replace('.0.1/', '.0.2/')],
    ['another provider', pathname.replace('/fal/', '/cog/')],
    ['another code', pathname.replace(mac, `${mac.startsWith('A') ? 'B' : 'A'}${mac.slice(1)}`)],
    ['a short code', pathname.slice(0, -1)],
    ['no code', pathname.replace(`/${mac}`, '')],
    ['more path', `${pathname}/x`],
    ['an encoded path', pathname.replace('.0.1', '%2e0.1')],
    ['another route', '/v1/webhooks'],
  ])('refuses %s', (_name, path) => {
    expect(reportedPurchase(path, SECRET)).toBeUndefined();
  });

  it('refuses another secret', () => {
    expect(reportedPurchase(pathname, `${SECRET}!`)).toBeUndefined();
  });

  it('is made for keys only that are one segment of a path', () => {
    for (const bad of ['', 'a/b', '../x', 'a?b', 'a b', 'é', 'x'.repeat(201)])
      expect(() => reportAddress('https://clips.example', SECRET, { provider: 'cog', key: bad })).toThrow(RangeError);
    for (const provider of ['', 'Fal', 'a/b', '../x'])
      expect(() => reportAddress('https://clips.example', SECRET, { provider, key })).toThrow(RangeError);
  });
});
