import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { loadModels, type ModelEntry, modelEntrySchema, publishedSchemas, type ReadSchemas } from '@clipmesh/providers';
import { loadConfig } from '@clipmesh/config';
import { type Cog, findCog, type Sandbox, startCog, startSandbox } from '@clipmesh/testing';
import { checkModels, problemOf, type SchemaReader } from '../src/models/models.check.js';

const signal = new AbortController().signal;
const program = await findCog();
let sandbox: Sandbox;

beforeAll(async () => {
  sandbox = await startSandbox();
});
afterAll(() => sandbox.stop());

/** The readers of these settings, with the sandbox as Replicate and fal. */
const readersOf = (env: Readonly<Record<string, string>> = {}): SchemaReader => {
  const config = loadConfig({
    REPLICATE_API_TOKEN: 'token',
    REPLICATE_BASE_URL: `${sandbox.url}/v1/`,
    FAL_SITE_URL: `${sandbox.url}/fal`,
    PROVIDER_CALL_TIMEOUT: '120',
    ...env,
  });
  return (entry) => publishedSchemas(config, entry, signal);
};
const own = (change: object = {}): ModelEntry =>
  modelEntrySchema.parse({
    id: 'acme/reel-1',
    provider: 'replicate',
    durations: [4, 8],
    audio: 'none',
    firstFrame: false,
    skus: [{ id: 'second', usdPerSecond: 0.01 }],
    asOf: '2026-01-01',
    source: 'invented',
    inputs: { prompt: 'text', duration: { field: 'length' } },
    ...change,
  });
const INPUT = {
  type: 'object',
  required: ['text'],
  properties: { text: { type: 'string' }, length: { type: 'integer', enum: [4, 8] } },
};

describe('the check of models against a live schema', () => {
  it.each(['replicate', 'fal'])('finds no drift in the shipped models of %s', async (name) => {
    const shipped = [...(await loadModels()).values()].filter(({ provider }) => provider === name);
    expect(shipped.length).toBeGreaterThan(5);
    const checked = await checkModels(shipped, readersOf());
    expect(checked.filter(({ kind }) => kind !== 'same')).toEqual([]);
    expect(problemOf(checked)).toBeUndefined();
  });

  it('finds the drift of an endpoint of fal, and an endpoint that is not there', async () => {
    const models = await loadModels();
    const veo = models.get('fal-ai/veo3.1')!;
    const checked = await checkModels(
      [
        { ...veo, durations: [4, 6] },
        { ...veo, id: 'fal-ai/gone', target: 'fal-ai/veo3.1', imageTarget: 'fal-ai/gone/image-to-video' },
      ],
      readersOf(),
    );
    expect(checked).toEqual([
      { id: 'fal-ai/gone', kind: 'unread', reason: 'fal publishes no schema of fal-ai/gone/image-to-video' },
      { id: 'fal-ai/veo3.1', kind: 'drift', drift: ['duration: the model also takes 8 s'] },
    ]);
  });

  it('names the models that cannot be checked, with the reason', async () => {
    const config = loadConfig({});
    const entries = [own(), own({ id: 'acme/gpu', provider: 'cog' }), own({ id: 'acme/other', provider: 'acme' })];
    expect(await checkModels(entries, (entry) => publishedSchemas(config, entry, signal))).toEqual([
      { id: 'acme/gpu', kind: 'unchecked', reason: 'COG_ENDPOINTS names no server of it' },
      { id: 'acme/other', kind: 'unchecked', reason: 'the provider acme publishes no schema that is known here' },
      { id: 'acme/reel-1', kind: 'unchecked', reason: 'Replicate shows its schemas only with REPLICATE_API_TOKEN' },
    ]);
  });

  it('finds the drift of an added model, and a model that is not there', async () => {
    await sandbox.scenario({
      models: [
        { id: 'acme/reel-1', source: 'invented', asOf: '2026-01-01', Input: INPUT, prices: [{ usdPerClip: 1 }] },
      ],
    });
    const checked = await checkModels(
      [own(), own({ id: 'acme/gone' }), own({ id: 'acme/long', target: 'acme/reel-1', durations: [4, 12] })],
      readersOf(),
    );
    expect(checked).toEqual([
      { id: 'acme/gone', kind: 'unread', reason: expect.stringMatching(/^GET models\/acme\/gone: status 404/) },
      {
        id: 'acme/long',
        kind: 'drift',
        drift: ['length: the model does not take 12 s', 'length: the model also takes 8 s'],
      },
      { id: 'acme/reel-1', kind: 'same' },
    ]);
  });
});

(program === undefined ? describe.skip : describe)('the check of a model on a Cog server', () => {
  let cog: Cog;

  beforeAll(async () => {
    cog = await startCog(program!);
  });
  afterAll(() => cog.server.end('SIGTERM'));

  it('compares the shipped example with the server, and finds what another entry has wrong', async () => {
    const shipped = (await loadModels()).get('cog/animatic')!;
    const wrong = { ...shipped, id: 'cog/wrong', durations: { min: 1, max: 20 }, aspectRatios: ['9:16' as const] };
    const gone = { ...shipped, id: 'cog/gone' };
    const endpoints = [`cog/animatic=${cog.url}`, `cog/wrong=${cog.url}/`, 'cog/gone=http://127.0.0.1:1'];
    const checked = await checkModels([shipped, wrong, gone], readersOf({ COG_ENDPOINTS: endpoints.join(',') }));
    expect(checked).toEqual([
      { id: 'cog/animatic', kind: 'same' },
      { id: 'cog/gone', kind: 'unread', reason: expect.stringMatching(/^GET openapi\.json/) },
      {
        id: 'cog/wrong',
        kind: 'drift',
        drift: [
          expect.stringMatching(/^seconds: the model takes 1 to 12 s, not 13, /),
          'aspect_ratio: the model also takes 16:9, 1:1',
        ],
      },
    ]);
  });
});

describe('the schema of a model', () => {
  let server: Server;
  let baseUrl: string;
  const answers: Record<string, unknown> = {
    '/v1/models/acme/reel-1/versions/abc': { openapi_schema: { components: { schemas: { Input: INPUT } } } },
    '/v1/models/acme/empty': { latest_version: null },
    '/v1/models/acme/text': 'no JSON',
  };

  beforeAll(async () => {
    server = createServer((request, response) => {
      const answer = answers[request.url ?? ''];
      response.statusCode = answer === undefined || request.headers.authorization !== 'Bearer token' ? 404 : 200;
      response.end(typeof answer === 'string' ? answer : JSON.stringify(answer ?? {}));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  });
  afterAll(() => {
    server.close();
  });

  const readAt = (target: string, REPLICATE_BASE_URL: string, stop = signal): ReturnType<ReadSchemas> => {
    const env = { REPLICATE_API_TOKEN: 'token', REPLICATE_BASE_URL, PROVIDER_CALL_TIMEOUT: '120' };
    const read = publishedSchemas(loadConfig(env), own(), stop);
    if (typeof read !== 'function') throw new Error(read.reason);
    return read(target);
  };
  const read = (target: string): ReturnType<ReadSchemas> => readAt(target, baseUrl);

  it('is that of the version that the table names', async () => {
    expect(await read('acme/reel-1:abc')).toEqual({ Input: INPUT });
  });

  it.each(['acme/empty', 'acme/text'])('is missing in the answer for %s', async (target) => {
    await expect(read(target)).rejects.toThrow(`GET models/${target}: the answer has no input schema`);
  });

  it('is not there for an unknown model, an unreachable server or a canceled call', async () => {
    await expect(read('acme/nothing')).rejects.toMatchObject({ code: 'PROVIDER_BAD_INPUT' });
    const nobody = 'http://127.0.0.1:1/v1';
    await expect(readAt('a/b', nobody)).rejects.toMatchObject({ code: 'PROVIDER_UNAVAILABLE' });
    await expect(readAt('a/b', nobody, AbortSignal.abort())).rejects.toMatchObject({ code: 'CANCELED' });
  });
});
