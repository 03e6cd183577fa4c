import { loadConfig } from '@clipmesh/config';
import { describe, expect, it } from '@jest/globals';
import { type ModelEntries } from './models/model.entry.js';
import { loadModels } from './models/load.models.js';
import { guaranteeOf, openProviders, type OpenProviders, providerOf, type ProviderSettings } from './registry.js';
import { sharedMemory } from '../test/shared.memory.js';

const shipped = await loadModels();
const veo = shipped.get('google/veo-3.1')!;
const models: ModelEntries = new Map([
  [veo.id, veo],
  ['cog/animatic', shipped.get('cog/animatic')!],
  ['acme/reel', { ...veo, id: 'acme/reel', provider: 'acme' }],
]);
const NOTHING: ProviderSettings = loadConfig({});
const TOKEN = { replicateApiToken: 't' };
const warnings: string[] = [];
const open = (settings: Partial<ProviderSettings>, wanted = [veo.id]): OpenProviders => {
  warnings.length = 0;
  const log = { info: () => undefined, warn: (_fields: object, text: string) => void warnings.push(text) };
  const context = {
    models,
    shared: sharedMemory(),
    nudge: () => () => undefined,
    reports: { find: () => Promise.resolve(undefined), read: () => Promise.resolve(new Uint8Array()) },
    log,
    readFile: () => Promise.resolve(new Uint8Array()),
  };
  return openProviders({ ...NOTHING, ...settings }, context, wanted);
};

describe('the registry of providers', () => {
  it('has the provider of a model, also by the name in a purchase', async () => {
    const providers = open(TOKEN);
    expect(providers.of(veo.id)).toMatchObject({
      name: 'replicate',
      guarantee: 'never_twice',
      cacheOrigin: 'replicate https://api.replicate.com/v1',
    });
    expect(providers.of('removed/model', 'replicate').name).toBe('replicate');
    await providers.close();
  });

  it('says what to set for a provider that is not configured', async () => {
    const providers = open(TOKEN, [veo.id, 'acme/reel']);
    expect(warnings).toEqual(['The provider acme does not exist. It runs acme/reel.']);
    expect(() => providers.of('acme/reel')).toThrow(expect.objectContaining({ code: 'PROVIDER_BAD_INPUT' }));
    expect(() => providers.of('removed/model')).toThrow('removed/model is not a known model');
    await providers.close();
  });

  it('does not open without a provider for any of the wanted models', () => {
    expect(() => open({})).toThrow(
      'no model of VIDEO_MODELS has a configured provider. The provider replicate is not configured: set REPLICATE_API_TOKEN',
    );
  });

  it('opens Cog for models with an entry of its own only', async () => {
    const cogEndpoints = [{ model: 'cog/animatic', url: 'http://127.0.0.1:5000' }];
    const providers = open({ cogEndpoints }, ['cog/animatic', veo.id]);
    expect(warnings).toEqual([expect.stringContaining('set REPLICATE_API_TOKEN')]);
    expect(providers.of('cog/animatic')).toMatchObject({ name: 'cog', guarantee: 'at_most_once_more' });
    await providers.close();
    expect(() => open({ cogEndpoints: [{ model: veo.id, url: 'http://127.0.0.1:5000' }] })).toThrow(
      'COG_ENDPOINTS: google/veo-3.1 has no entry with the provider cog',
    );
  });

  it('knows the guarantee of each provider, and the provider of old purchases', () => {
    expect([guaranteeOf('replicate'), guaranteeOf('acme'), guaranteeOf('constructor')]).toEqual([
      'never_twice',
      undefined,
      undefined,
    ]);
    expect([providerOf({}), providerOf({ provider: 'acme' })]).toEqual(['replicate', 'acme']);
  });
});
