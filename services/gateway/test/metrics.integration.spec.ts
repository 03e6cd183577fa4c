import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { GenerationFailed, message } from '@clipmesh/contracts';
import { readBrokerState } from '@clipmesh/messaging';
import { type Broker, leakCheck, startBroker, tempFolder, type TempFolder, until } from '@clipmesh/testing';
import { DEADLINE_MS, problem, startGateway, type TestGateway } from './gateway.harness.js';

const leaks = leakCheck();
const ANN = { authorization: 'Bearer ann-key-0123456789' };
const SCRAPER = { authorization: 'Bearer metrics-token-0123456789' };
const ENV = { API_KEYS: 'ann:ann-key-0123456789', METRICS_TOKEN: 'metrics-token-0123456789' };
let broker: Broker;
let folder: TempFolder;
let gateway: TestGateway;

beforeAll(async () => {
  broker = await startBroker();
  folder = await tempFolder('gateway-metrics');
  gateway = await startGateway(broker, folder.path, ENV);
});

afterAll(async () => {
  await gateway.stop();
  await broker.stop();
  await folder.remove();
  expect(leaks()).toEqual([]);
});

const SUCCEEDED = 'clipmesh_generations_ended_total{status="succeeded"}';
/** The samples by name and labels. */
async function scrape(of = gateway): Promise<Map<string, number>> {
  const response = await of.call('/metrics', { headers: SCRAPER });
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
  const lines = (await response.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
  );
}

it('requires its own token; an API key gives no access', async () => {
  for (const headers of [{}, ANN, { authorization: 'Bearer metrics-token-0123456780' }])
    expect((await gateway.call('/metrics', { headers })).status).toBe(401);
  // The token gives access to the metrics only.
  expect((await gateway.call('/v1/generations', { headers: SCRAPER })).status).toBe(401);
});

it.each([
  ['API_KEYS', { API_KEYS: ENV.API_KEYS }],
  ['PUBLIC_URL', { PUBLIC_URL: 'https://clipmesh.example' }],
])(
  'gives no access without a token when %s is set, because a plain proxy looks like this machine',
  async (_name, env) => {
    const exposed = await startGateway(broker, folder.path, env);
    try {
      expect(await problem(await exposed.call('/metrics', { headers: ANN }))).toMatchObject({
        status: 403,
        code: 'METRICS_CLOSED',
        detail: expect.stringContaining('METRICS_TOKEN'),
      });
    } finally {
      await exposed.stop();
    }
  },
);

it('without a token, API_KEYS and PUBLIC_URL gives access to this machine only, not through a proxy', async () => {
  const open = await startGateway(broker, folder.path);
  try {
    expect((await open.call('/metrics')).status).toBe(200);
    const forwarded = await open.call('/metrics', { headers: { ...ANN, 'x-forwarded-for': '10.1.2.3' } });
    expect(await problem(forwarded)).toMatchObject({ status: 403, code: 'METRICS_CLOSED' });
  } finally {
    await open.stop();
  }
});

it('rejects an API key as the token', async () => {
  const env = { ...ENV, METRICS_TOKEN: 'ann-key-0123456789' };
  await expect(startGateway(broker, folder.path, env)).rejects.toThrow(/METRICS_TOKEN/);
});

it('exports waiting messages, ended runs and request durations', async () => {
  const id = await gateway.created(ANN);
  await gateway.created(ANN);
  const before = await scrape();
  expect(before.get('clipmesh_inbox_waiting_messages{inbox="planner"}')).toBe(2);
  expect(before.get('clipmesh_inbox_waiting_messages{inbox="clip-generator"}')).toBe(0);
  expect(before.get('clipmesh_inbox_in_hand_messages{inbox="planner"}')).toBe(0);
  expect(before.get('clipmesh_dead_letters')).toBe(0);
  expect(before.get('clipmesh_stream_limit_bytes{stream="EVENTS"}')).toBe(512 * 1024 * 1024);
  expect(before.get('clipmesh_stream_bytes{stream="EVENTS"}')).toBeGreaterThanOrEqual(0);
  expect(before.get('clipmesh_broker_up')).toBe(1);
  expect(before.get('clipmesh_event_streams_open')).toBe(0);
  const created = 'method="POST",route="/v1/generations",status="202"';
  expect(before.get(`clipmesh_http_request_duration_seconds_count{${created}}`)).toBe(2);
  expect(before.get('clipmesh_generations_ended_total{status="failed"}')).toBe(0);

  const end = message(GenerationFailed, {
    generationId: id,
    at: new Date().toISOString(),
    charges: [],
    run: 1,
    status: 'failed',
    stage: 'planning',
    progress: 0,
    scenes: [],
    costMicros: 0,
    failure: { code: 'INTERNAL', message: 'a test', stage: 'planning', retryable: false, charged: false },
  });
  // Published twice, as after a crash, it is counted once.
  await gateway.runtime.publish([end]);
  await gateway.runtime.publish([end]);
  await gateway.succeed(id);
  const after = await until(
    async () => {
      const samples = await scrape();
      return samples.get('clipmesh_generations_ended_total{status="succeeded"}') === 1 ? samples : undefined;
    },
    DEADLINE_MS,
    'the end in the metrics',
  );
  expect(after.get('clipmesh_generations_ended_total{status="failed"}')).toBe(1);
  const unknown = await gateway.call('/v1/generation/x');
  expect(unknown.status).toBe(404);
  const labels = [...(await scrape()).keys()].filter((name) => name.includes('_seconds_count{'));
  // Labels contain neither ids nor unknown paths.
  expect(labels.join()).not.toContain(id);
  expect(labels).toContain('clipmesh_http_request_duration_seconds_count{method="GET",route="none",status="404"}');
});

it('of two replicas can be summed: one exports the shared metrics, and the other takes over when it stops', async () => {
  const other = await startGateway(broker, folder.path, ENV);
  try {
    const [before, others] = [await scrape(), await scrape(other)];
    const id = await gateway.created(ANN);
    await gateway.succeed(id);
    const sums = await until(
      async () => {
        const all = [await scrape(), await scrape(other)];
        const sum = (name: string): number => all.reduce((total, samples) => total + (samples.get(name) ?? 0), 0);
        return sum(SUCCEEDED) > (before.get(SUCCEEDED) ?? 0) + (others.get(SUCCEEDED) ?? 0) ? { all, sum } : undefined;
      },
      DEADLINE_MS,
      'the end in the metrics',
    );
    // One replica counts each end.
    expect(sums.sum(SUCCEEDED)).toBe((before.get(SUCCEEDED) ?? 0) + (others.get(SUCCEEDED) ?? 0) + 1);
    const { inboxes, deadLetters } = await readBrokerState(gateway.runtime.connection);
    expect(sums.sum('clipmesh_inbox_waiting_messages{inbox="planner"}')).toBe(inboxes.get('planner')?.waiting);
    expect(inboxes.get('planner')?.waiting).toBeGreaterThan(0);
    expect(sums.all.map((samples) => samples.has('clipmesh_dead_letters'))).toEqual([true, false]);
    expect(sums.sum('clipmesh_dead_letters')).toBe(deadLetters);
    expect(sums.all.map((samples) => samples.get('clipmesh_metrics_leader'))).toEqual([1, 0]);
    // Every replica exports its own connection state.
    expect(sums.all.map((samples) => samples.get('clipmesh_broker_up'))).toEqual([1, 1]);
  } finally {
    await gateway.stop();
    gateway = other;
  }
  const left = await scrape();
  expect([left.get('clipmesh_metrics_leader'), left.has('clipmesh_dead_letters')]).toEqual([1, true]);
});

it('is available without the broker, and reports it as down', async () => {
  await broker.kill();
  try {
    const samples = await scrape();
    expect(samples.get('clipmesh_broker_up')).toBe(0);
    expect([...samples.keys()].filter((name) => name.startsWith('clipmesh_inbox'))).toEqual([]);
    expect(samples.has('clipmesh_dead_letters')).toBe(false);
    expect(samples.has('clipmesh_stream_bytes{stream="EVENTS"}')).toBe(false);
  } finally {
    await broker.restart();
  }
});
