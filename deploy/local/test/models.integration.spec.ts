import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { loadModels, type ModelEntry, modelEntrySchema, readReplicateSchemas } from '@clipmesh/providers';
import { type Sandbox, startSandbox } from '@clipmesh/testing';
import { checkModels, type SchemaReaders } from '../src/models/models.check.js';

const signal = new AbortController().signal;
let sandbox: Sandbox;

beforeAll(async () => {
  sandbox = await startSandbox();
});
afterAll(() => sandbox.stop());

const readersOf = (baseUrl: string): SchemaReaders =>
  new Map([
    ['replicate', (target) => readReplicateSchemas(target, { baseUrl, token: 'token', timeoutMs: 120_000 }, signal)],
  ]);
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
  it('finds no drift in the shipped models of Replicate', async () => {
    const shipped = [...(await loadModels()).values()].filter(({ provider }) => provider === 'replicate');
    const checked = await checkModels(shipped, readersOf(`${sandbox.url}/v1`));
    expect(checked.filter(({ kind }) => kind !== 'same')).toEqual([]);
    expect(checked).toHaveLength(shipped.length);
  });

  it('finds the drift of an added model, and a model that is not there', async () => {
    await sandbox.scenario({
      models: [
        { id: 'acme/reel-1', source: 'invented', asOf: '2026-01-01', Input: INPUT, prices: [{ usdPerClip: 1 }] },
      ],
    });
    const checked = await checkModels(
      [own(), own({ id: 'acme/gone' }), own({ id: 'acme/long', target: 'acme/reel-1', durations: [4, 12] })],
      readersOf(`${sandbox.url}/v1/`),
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

  const read = (target: string): ReturnType<typeof readReplicateSchemas> =>
    readReplicateSchemas(target, { baseUrl, token: 'token', timeoutMs: 120_000 }, signal);

  it('is that of the version that the table names', async () => {
    expect(await read('acme/reel-1:abc')).toEqual({ Input: INPUT });
  });

  it.each(['acme/empty', 'acme/text'])('is missing in the answer for %s', async (target) => {
    await expect(read(target)).rejects.toThrow(`GET models/${target}: the answer has no input schema`);
  });

  it('is not there for an unknown model, an unreachable server or a canceled call', async () => {
    await expect(read('acme/nothing')).rejects.toMatchObject({ code: 'PROVIDER_BAD_INPUT' });
    const source = { baseUrl: 'http://127.0.0.1:1/v1', token: 'token', timeoutMs: 120_000 };
    await expect(readReplicateSchemas('a/b', source, signal)).rejects.toMatchObject({ code: 'PROVIDER_UNAVAILABLE' });
    await expect(readReplicateSchemas('a/b', source, AbortSignal.abort())).rejects.toMatchObject({ code: 'CANCELED' });
  });
});
