import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Broker, leakCheck, startBroker, tempFolder, type TempFolder } from '@clipmesh/testing';
import { problem, PROMPT, rawCall, startGateway, type TestGateway } from './gateway.harness.js';

let broker: Broker;
let folder: TempFolder;
let gateway: TestGateway;
const lines: string[] = [];
const leaks = leakCheck();
const KEY = 'ann-known-key-0123456789';
const SIGNING = `whsec_${Buffer.from('a signing secret of some length').toString('base64')}`;
const ANN = { authorization: `Bearer ${KEY}` };

beforeAll(async () => {
  broker = await startBroker();
  folder = await tempFolder('gateway-docs');
  const env = { API_KEYS: `ann:${KEY}`, REPLICATE_WEBHOOK_SECRET: SIGNING, LOG_LEVEL: 'trace' };
  gateway = await startGateway(broker, folder.path, env, (line) => void lines.push(line));
});

afterAll(async () => {
  await gateway.stop();
  await broker.stop();
  await folder.remove();
  expect(leaks()).toEqual([]);
});

interface Operation {
  readonly operationId?: string;
  readonly responses?: Record<string, { readonly content?: Record<string, { readonly schema?: unknown }> }>;
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly required?: boolean }[];
}
interface Described {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string };
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: Record<string, Record<string, unknown>>;
}

const ROUTES = [
  'delete /v1/generations/{id}',
  'delete /v1/webhooks/{id}',
  'get /healthz',
  'get /metrics',
  'get /readyz',
  'get /v1/generations',
  'get /v1/generations/{id}',
  'get /v1/generations/{id}/captions.vtt',
  'get /v1/generations/{id}/cost',
  'get /v1/generations/{id}/events',
  'get /v1/generations/{id}/performance',
  'get /v1/generations/{id}/plan',
  'get /v1/generations/{id}/thumbnail',
  'get /v1/generations/{id}/video',
  'get /v1/models',
  'get /v1/usage',
  'get /v1/webhooks',
  'get /v1/webhooks/secret',
  'get /v1/webhooks/{id}',
  'patch /v1/generations/{id}/plan',
  'post /v1/estimates',
  'post /v1/generations',
  'post /v1/generations/{id}/approve',
  'post /v1/generations/{id}/cancel',
  'post /v1/generations/{id}/retry',
  'post /v1/generations/{id}/scenes/{scene}/regenerate',
  'post /v1/webhooks',
  'post /v1/webhooks/secret/rotate',
];

/** Every `$ref` below a value. */
const refsOf = (value: unknown): string[] =>
  typeof value !== 'object' || value === null
    ? []
    : Object.entries(value).flatMap(([key, inner]) =>
        key === '$ref' && typeof inner === 'string' ? [inner] : refsOf(inner),
      );

describe('the OpenAPI document', () => {
  let described: Described;
  beforeAll(async () => {
    const response = await gateway.call('/openapi.json');
    expect([response.status, response.headers.get('content-type')]).toEqual([
      200,
      expect.stringContaining('application/json'),
    ]);
    described = (await response.json()) as Described;
  });

  it('contains exactly the routes of the API', () => {
    const routes = Object.entries(described.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method} ${path}`),
    );
    expect(routes.sort()).toEqual(ROUTES);
  });

  it('has a version, unique operations with responses, declared path parameters and no dangling reference', () => {
    expect(described.openapi).toMatch(/^3\.\d+\.\d+$/);
    expect(described.info).toMatchObject({ title: 'Clipmesh', version: '1' });
    const operations = Object.entries(described.paths).flatMap(([path, methods]) =>
      Object.values(methods).map((operation) => ({ path, operation })),
    );
    const ids = operations.map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { path, operation } of operations) {
      const answers = Object.keys(operation.responses ?? {});
      expect([path, answers.some((status) => status.startsWith('2'))]).toEqual([path, true]);
      // A route that accepts a range documents both of its statuses.
      expect([path, answers.includes('206')]).toEqual([path, answers.includes('416')]);
      const declared = (operation.parameters ?? []).filter((one) => one.in === 'path').map(({ name }) => name);
      expect(declared).toEqual([...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name));
    }
    const refs = refsOf(described);
    expect(refs.length).toBeGreaterThan(0);
    for (const ref of refs) {
      const [, , kind = '', name = ''] = ref.split('/');
      expect([ref, described.components[kind]?.[name] !== undefined]).toEqual([ref, true]);
    }
  });

  it('documents the problems and the body of a create', () => {
    const create = described.paths['/v1/generations']?.['post'];
    expect(Object.keys(create?.responses ?? {})).toEqual(expect.arrayContaining(['202', '400', '401', '409', '422']));
    expect(create?.responses?.['400']?.content?.['application/problem+json']?.schema).toEqual({
      $ref: '#/components/schemas/Problem',
    });
    expect(JSON.stringify(create)).toContain('requestBody');
  });

  it('is served with a keep-alive that is longer than those of proxies', async () => {
    const response = await fetch(`${gateway.url}/openapi.json`, { headers: ANN });
    await response.arrayBuffer();
    expect(response.headers.get('keep-alive')).toBe('timeout=65');
  });

  it('has an interactive page', async () => {
    const page = await gateway.call('/docs');
    expect([page.status, page.headers.get('content-type')]).toEqual([200, expect.stringContaining('text/html')]);
    expect(await page.text()).toContain('Clipmesh API');
  });
});

describe('secrets', () => {
  it('are neither in the log nor in a response', async () => {
    const answers: string[] = [];
    const send = async (path: string, options: Parameters<typeof rawCall>[2]): Promise<void> => {
      answers.push(JSON.stringify(await rawCall(gateway.port, path, options)));
    };
    const json = { 'content-type': 'application/json' };
    const create = (body: string, headers: Record<string, string>): Promise<void> =>
      send('/v1/generations', {
        method: 'POST',
        headers: { ...json, 'content-length': String(Buffer.byteLength(body)), ...headers },
        body,
      });
    await create(JSON.stringify({ prompt: PROMPT }), ANN);
    await create('{"prompt": ', ANN);
    await create(JSON.stringify({ prompt: PROMPT, promt: 1 }), ANN);
    await create(JSON.stringify({ prompt: PROMPT }), { authorization: `Basic ${KEY}` });
    await create(JSON.stringify({ prompt: PROMPT }), { authorization: `Bearer ${KEY}x` });
    await create(JSON.stringify({ id: 'p1' }), { ...ANN, 'content-type': 'text/plain' });
    await send('/v1/generations/nothing', { headers: ANN });
    await send('/v1/nothing', { headers: ANN });
    await send('/v1/webhooks/replicate', { method: 'POST', headers: { ...json, 'webhook-signature': 'v1,x' } });
    const id = await gateway.created(ANN);
    // No cost service runs: a 503, which is logged with its cause.
    await send(`/v1/generations/${id}/cost`, { headers: ANN });
    expect(answers.map((answer) => (JSON.parse(answer) as { status: number }).status)).toEqual([
      202, 400, 400, 401, 401, 415, 404, 404, 401, 503,
    ]);
    expect(lines.some((line) => line.includes('COST_UNAVAILABLE'))).toBe(true);
    const output = `${lines.join('')}${answers.join('')}`;
    for (const secret of [KEY, SIGNING, SIGNING.slice('whsec_'.length)]) expect(output).not.toContain(secret);
  });

  it('are not in a problem', async () => {
    const response = await gateway.call('/v1/generations?limit=0', { headers: ANN });
    const body = JSON.stringify(await problem(response));
    expect(body).not.toContain(KEY);
    expect(body).not.toMatch(/node_modules|at .*\.ts:/);
  });
});
