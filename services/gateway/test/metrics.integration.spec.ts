import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { GenerationFailed, message } from '@clipmesh/contracts';
import { type Broker, leakCheck, startBroker, tempFolder, type TempFolder, until } from '@clipmesh/testing';
import { DEADLINE_MS, startGateway, type TestGateway } from './gateway.harness.js';

const leaks = leakCheck();
const ANN = { authorization: 'Bearer ann-key-0123456789' };
let broker: Broker;
let folder: TempFolder;
let gateway: TestGateway;

beforeAll(async () => {
  broker = await startBroker();
  folder = await tempFolder('gateway-metrics');
  gateway = await startGateway(broker, folder.path, { API_KEYS: 'ann:ann-key-0123456789' });
});

afterAll(async () => {
  await gateway.stop();
  await broker.stop();
  await folder.remove();
  expect(leaks()).toEqual([]);
});

/** The samples by name and labels. */
async function scrape(): Promise<Map<string, number>> {
  const response = await gateway.call('/metrics', { headers: ANN });
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
  const lines = (await response.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
  );
}

it('wants a key where there are keys', async () => {
  expect((await gateway.call('/metrics')).status).toBe(401);
});

it('tells what waits, what ended, and how long requests took', async () => {
  const id = await gateway.created(ANN);
  await gateway.created(ANN);
  const before = await scrape();
  expect(before.get('clipmesh_inbox_waiting_messages{inbox="planner"}')).toBe(2);
  expect(before.get('clipmesh_inbox_waiting_messages{inbox="clip-generator"}')).toBe(0);
  expect(before.get('clipmesh_inbox_in_hand_messages{inbox="planner"}')).toBe(0);
  expect(before.get('clipmesh_dead_letters')).toBe(0);
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
  // Announced again, as after a crash, it is still one end.
  await gateway.runtime.publish([end]);
  await gateway.runtime.publish([end]);
  await gateway.succeed(id);
  const after = await until(
    async () => {
      const samples = await scrape();
      return samples.get('clipmesh_generations_ended_total{status="succeeded"}') === 1 ? samples : undefined;
    },
    DEADLINE_MS,
    'the end in the figures',
  );
  expect(after.get('clipmesh_generations_ended_total{status="failed"}')).toBe(1);
  const unknown = await gateway.call('/v1/generation/x');
  expect(unknown.status).toBe(404);
  const labels = [...(await scrape()).keys()].filter((name) => name.includes('_seconds_count{'));
  // No id and no address that somebody made up is among the labels.
  expect(labels.join()).not.toContain(id);
  expect(labels).toContain('clipmesh_http_request_duration_seconds_count{method="GET",route="none",status="404"}');
});

it('still answers without the broker, and says that it is away', async () => {
  await broker.kill();
  try {
    const samples = await scrape();
    expect(samples.get('clipmesh_broker_up')).toBe(0);
    expect([...samples.keys()].filter((name) => name.startsWith('clipmesh_inbox'))).toEqual([]);
    expect(samples.has('clipmesh_dead_letters')).toBe(false);
  } finally {
    await broker.restart();
  }
});
