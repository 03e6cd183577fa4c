import { describe, expect, it } from '@jest/globals';
import { PAID_VARIABLES, REPLACEABLE_PROVIDERS, sandboxEnvironment, SECRET_NAMES } from './provider.settings.js';
import { providerToken, providerUrl, type Setting } from './setting.kinds.js';
import { SETTINGS } from './settings.js';

const settings = Object.values<Setting>(SETTINGS);
const replicate = { REPLICATE_API_TOKEN: 'sandbox', REPLICATE_BASE_URL: 'http://s:1/v1' };
const fal = {
  FAL_KEY: 'sandbox',
  FAL_BASE_URL: 'http://s:1/fal',
  FAL_JWKS_URL: 'http://s:1/fal/.well-known/jwks.json',
};

describe('the settings of providers', () => {
  it.each([
    ['without a token', {}, { ...replicate, ...fal }],
    ['with empty tokens', { REPLICATE_API_TOKEN: '', FAL_KEY: '' }, { ...replicate, ...fal }],
    ['with one token', { FAL_KEY: 'a:b', REPLICATE_BASE_URL: 'https://r.example' }, replicate],
    ['with every token', { FAL_KEY: 'a:b', REPLICATE_API_TOKEN: 'r8' }, {}],
  ])('lead to the sandbox %s', (_name, env, expected) => {
    const all = Object.entries(sandboxEnvironment(env, 'http://s:1'));
    expect(Object.fromEntries(all.filter(([name]) => /^(REPLICATE|FAL)_/.test(name)))).toEqual(expected);
  });

  it('have one token and at least one URL for each provider', () => {
    const named = new Set(settings.flatMap(({ provider }) => provider ?? []));
    expect(REPLACEABLE_PROVIDERS.map(({ name }) => name).sort()).toEqual([...named].sort());
    for (const { sandboxPaths } of REPLACEABLE_PROVIDERS) expect(Object.keys(sandboxPaths)).not.toEqual([]);
  });

  it('keep a token secret, out of tests and with the clip generator', () => {
    expect(providerToken('acme', 'ACME_API_TOKEN', 'A token.')).toMatchObject({
      ...{ provider: 'acme', secret: true, paid: true, services: ['clip-generator'] },
    });
    expect(providerUrl('acme', 'ACME_URL', 'https://acme.example', '/acme', 'A URL.')).toMatchObject({
      ...{ provider: 'acme', sandboxPath: '/acme', secret: false, services: ['clip-generator'] },
    });
    const tokens = REPLACEABLE_PROVIDERS.map(({ tokenVariable }) => tokenVariable);
    expect(PAID_VARIABLES).toEqual(expect.arrayContaining(tokens));
    expect(SECRET_NAMES).toEqual(expect.arrayContaining([...tokens, 'falKey', 'replicateApiToken']));
  });
});
