import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Plan } from '@clipmesh/contracts';
import { planFromTemplate } from '@clipmesh/pipeline';
import { type Broker, leakCheck, startBroker, tempFolder, type TempFolder } from '@clipmesh/testing';
import { parseEvents, problem, startGateway, type TestGateway } from '../gateway.harness.js';

const leaks = leakCheck();
const ANN = { authorization: 'Bearer ann-key-0123456789', 'content-type': 'application/json' };
const BOB = { authorization: 'Bearer bob-key-0123456789', 'content-type': 'application/json' };
let broker: Broker;
let folder: TempFolder;
let gateway: TestGateway;

beforeAll(async () => {
  broker = await startBroker();
  folder = await tempFolder('gateway-review');
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

/** A generation whose plan waits for approval. */
async function waiting(more: Record<string, unknown> = {}): Promise<{ path: string; id: string; plan: Plan }> {
  const response = await gateway.create({ mode: 'review', durationSeconds: 12, ...more }, ANN);
  const { id } = (await response.json()) as { id: string };
  const { state } = await gateway.change(id, {});
  expect(state.job.review).toBe(true);
  const plan = planFromTemplate(state.job);
  await gateway.change(id, { status: 'awaiting_approval', plan });
  return { id, plan, path: `/v1/generations/${id}` };
}
const patch = (path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> =>
  gateway.call(`${path}/plan`, { method: 'PATCH', headers: { ...ANN, ...headers }, body: JSON.stringify(body) });
const approve = (path: string, headers = ANN): Promise<Response> =>
  gateway.call(`${path}/approve`, { method: 'POST', headers });
/** Number of published approvals. */
async function approvals(id: string): Promise<number> {
  await gateway.change(id, { status: 'canceled' });
  const events = await gateway.call(`/v1/generations/${id}/events`, { headers: ANN });
  return parseEvents(await events.text()).filter(({ event }) => event === 'plan.approved').length;
}

describe('a plan that waits for approval', () => {
  it('can be changed and read', async () => {
    const { path, plan } = await waiting();
    const response = await patch(path, { scenes: [{ index: 0, description: 'A kettle at dawn' }] });
    expect(response.status).toBe(200);
    const changed = (await response.json()) as Plan;
    expect(changed.scenes[0]?.description).toBe('A kettle at dawn');
    expect(changed.scenes.slice(1)).toEqual(plan.scenes.slice(1));
    const read = await gateway.call(`${path}/plan`, { headers: ANN });
    expect(await read.json()).toEqual(changed);
    expect(read.headers.get('etag')).toBe(response.headers.get('etag'));
  });

  it('is not overwritten by a concurrent change', async () => {
    const { path } = await waiting();
    const etag = (await gateway.call(`${path}/plan`, { headers: ANN })).headers.get('etag') ?? '';
    expect((await patch(path, { title: 'One' }, { 'if-match': etag })).status).toBe(200);
    const late = await patch(path, { title: 'Two' }, { 'if-match': etag });
    expect(late.status).toBe(412);
    expect(await problem(late)).toMatchObject({ code: 'PLAN_CHANGED' });
    const edits = Array.from({ length: 4 }, (_, index) => patch(path, { style: { mood: `mood ${index}` } }));
    for (const response of await Promise.all(edits)) expect(response.status).toBe(200);
    const { title, style } = (await (await gateway.call(`${path}/plan`, { headers: ANN })).json()) as Plan;
    expect([title, style.mood]).toEqual(['One', expect.stringMatching(/^mood \d$/)]);
  });

  it.each([
    [{ scenes: [{ index: 9 }] }, 'scenes.0.index'],
    [{ scenes: [{ index: 0, durationSeconds: 9 }] }, 'scenes.0.durationSeconds'],
    [{ scens: [] }, 'body'],
  ])('rejects %j with the field', async (body, field) => {
    const { path } = await waiting();
    const response = await patch(path, body);
    expect(response.status).toBe(400);
    expect(await problem(response)).toMatchObject({ errors: [expect.objectContaining({ field })] });
  });

  it('is approved once for repeated requests, and cannot be changed afterwards', async () => {
    const { path, id } = await waiting();
    for (let times = 0; times < 3; times += 1) {
      const response = await approve(path);
      expect(response.status).toBe(202);
      expect(await response.json()).toMatchObject({ id, status: 'generating' });
      const read: unknown = await (await gateway.call(path, { headers: ANN })).json();
      expect(read).toMatchObject({ status: 'generating' });
    }
    const late = await patch(path, { title: 'Late' });
    expect(late.status).toBe(409);
    expect(await problem(late)).toMatchObject({
      code: 'NOT_AWAITING_APPROVAL',
      detail: expect.stringContaining('already approved'),
    });
    expect(await approvals(id)).toBe(1);
  });

  it('cannot be approved when it costs more than the cap', async () => {
    const { path, id } = await waiting({ maxCostUsd: 2 });
    await gateway.change(id, { costMicros: 1_900_000 });
    const response = await approve(path);
    expect(response.status).toBe(402);
    expect(await problem(response)).toMatchObject({ code: 'BUDGET_EXCEEDED', budget: 'generation' });
    expect(await approvals(id)).toBe(0);
  });

  it('is a 404 for other owners', async () => {
    const { path, id } = await waiting();
    expect((await approve(path, BOB)).status).toBe(404);
    expect((await patch(path, { title: 'Mine' }, BOB)).status).toBe(404);
    expect(await approvals(id)).toBe(0);
  });
});

it('an approval of a generation without review is a 409 with the reason', async () => {
  const id = await gateway.created(ANN);
  const response = await approve(`/v1/generations/${id}`);
  expect(response.status).toBe(409);
  expect(await problem(response)).toMatchObject({ detail: expect.stringContaining('without "mode": "review"') });
});
