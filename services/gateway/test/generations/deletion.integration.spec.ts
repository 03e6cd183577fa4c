import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Broker, leakCheck, startBroker, tempFolder, type TempFolder } from '@clipmesh/testing';
import { problem, startGateway, type TestGateway } from '../gateway.harness.js';

let broker: Broker;
let folder: TempFolder;
let gateway: TestGateway;
const leaks = leakCheck();
const ANN = { authorization: 'Bearer ann-key-0123456789' };
const BOB = { authorization: 'Bearer bob-key-0123456789' };

beforeAll(async () => {
  broker = await startBroker();
  folder = await tempFolder('gateway-deletion');
  gateway = await startGateway(broker, folder.path, {
    API_KEYS: 'ann:ann-key-0123456789,bob:bob-key-0123456789',
  });
});

afterAll(async () => {
  await gateway.stop();
  await broker.stop();
  await folder.remove();
  expect(leaks()).toEqual([]);
});

const remove = (id: string, headers: Record<string, string> = ANN): Promise<Response> =>
  gateway.call(`/v1/generations/${id}`, { method: 'DELETE', headers });

describe('a deletion', () => {
  it('is rejected while the generation runs, and for everybody but its owner', async () => {
    const id = await gateway.created(ANN);
    expect(await problem(await remove(id))).toMatchObject({ status: 409, code: 'NOT_ENDED' });
    expect((await remove(id, BOB)).status).toBe(404);
    expect((await remove(id, {})).status).toBe(401);
    expect((await remove('nothing')).status).toBe(404);
    expect(await gateway.stores.generations.get(id)).toBeDefined();
  });

  it('is a 503 while events of the generation are unhandled, and keeps everything until then', async () => {
    const id = await gateway.created(ANN);
    await gateway.succeed(id);
    const refused = await remove(id);
    expect(refused.headers.get('retry-after')).toBe('2');
    expect(await problem(refused)).toMatchObject({ status: 503, code: 'STILL_SETTLING', retryable: true });
    expect((await gateway.call(`/v1/generations/${id}/video`, { headers: ANN })).status).toBe(200);
  });

  it('removes a generation without events, and its purchases', async () => {
    const id = await gateway.created(ANN);
    const at = new Date().toISOString();
    await gateway.change(id, { status: 'canceled', finishedAt: at });
    await gateway.stores.purchases.create({
      key: 'clip.0',
      generationId: id,
      kind: 'clip',
      status: 'canceled',
      model: 'm',
      fingerprint: 'f',
      createdAt: at,
      updatedAt: at,
    });
    const answer = await remove(id);
    expect([answer.status, await answer.text()]).toEqual([204, '']);
    expect(await gateway.stores.generations.get(id)).toBeUndefined();
    expect(await gateway.stores.purchases.list(id)).toEqual([]);
    expect((await remove(id)).status).toBe(404);
  });

  it('releases the Idempotency-Key: the same request creates one new generation', async () => {
    const key = { ...ANN, 'idempotency-key': 'again' };
    const id = await gateway.created(key);
    await gateway.change(id, { status: 'canceled', finishedAt: new Date().toISOString() });
    expect((await remove(id)).status).toBe(204);
    const next = await gateway.created(key);
    expect(next).not.toBe(id);
    expect(await gateway.created(key)).toBe(next);
    expect(await gateway.stores.generations.get(id)).toBeUndefined();
  });
});
