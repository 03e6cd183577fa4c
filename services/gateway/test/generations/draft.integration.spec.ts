import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DRAFT_MODEL, type GenerationState, type Plan, type SceneState } from '@clipmesh/contracts';
import { planFromTemplate } from '@clipmesh/pipeline';
import { type Broker, leakCheck, startBroker, tempFolder, type TempFolder } from '@clipmesh/testing';
import { parseEvents, problem, startGateway, type TestGateway } from '../gateway.harness.js';

const leaks = leakCheck();
const JSON_BODY = { 'content-type': 'application/json' };
const BUDGET_USD = 10;
let broker: Broker;
let folder: TempFolder;
let gateway: TestGateway;

beforeAll(async () => {
  broker = await startBroker();
  folder = await tempFolder('gateway-draft');
  gateway = await startGateway(broker, folder.path, {
    BUDGET_PER_OWNER_USD: String(BUDGET_USD),
    BUDGET_PERIOD: 'day',
  });
});

afterAll(async () => {
  await gateway.stop();
  await broker.stop();
  await folder.remove();
  expect(leaks()).toEqual([]);
});

/** A draft that waits for its approval. */
async function drafted(more: Record<string, unknown> = {}): Promise<{ id: string; path: string; plan: Plan }> {
  const response = await gateway.create({ mode: 'draft', durationSeconds: 12, sceneCount: 3, ...more });
  const { id } = (await response.json()) as { id: string };
  const { state } = await gateway.change(id, {});
  const plan = planFromTemplate(state.job);
  const file = await gateway.artifacts.put(Buffer.from('a file'), { contentType: 'video/mp4' });
  const done = { status: 'done', attempt: 2, modelIndex: 0, cached: false, costMicros: 0 } as const;
  const scenes = plan.scenes.map(({ index }): SceneState => ({ index, ...done, clip: file, overlaid: file }));
  const size = { durationSeconds: 12, width: 720, height: 1280, draft: true };
  await gateway.change(id, {
    ...{ status: 'awaiting_approval', stage: 'export', plan, scenes, stitch: { attempt: 1, cause: 'x' } },
    result: { video: file, thumbnail: file, ...size },
  });
  return { id, plan, path: `/v1/generations/${id}` };
}
const patch = (path: string, body: unknown): Promise<Response> =>
  gateway.call(`${path}/plan`, { method: 'PATCH', headers: JSON_BODY, body: JSON.stringify(body) });
const approve = (path: string): Promise<Response> => gateway.call(`${path}/approve`, { method: 'POST' });
const read = async (path: string): Promise<unknown> => (await gateway.call(path)).json();
const stateOf = async (id: string): Promise<GenerationState | undefined> =>
  (await gateway.stores.generations.get(id))?.value.state;
/** The names of the published events. */
async function events(id: string): Promise<(string | undefined)[]> {
  await gateway.change(id, { status: 'canceled' });
  const answer = await gateway.call(`/v1/generations/${id}/events`);
  return parseEvents(await answer.text()).map(({ event }) => event);
}
const reservedUsd = async (): Promise<number> =>
  ((await read('/v1/usage')) as { budget: { reservedUsd: number } }).budget.reservedUsd;

describe('a draft', () => {
  it('shows what it is, and what its approval may cost', async () => {
    const { path } = await drafted();
    const view = (await read(path)) as Record<string, unknown>;
    expect(view).toMatchObject({
      status: 'awaiting_approval',
      progress: 100,
      draft: true,
      result: { draft: true },
      scenes: [{ model: DRAFT_MODEL, costUsd: 0 }, { model: DRAFT_MODEL }, { model: DRAFT_MODEL }],
      estimate: [{ lowUsd: 0.48 }, { lowUsd: 0.48 }, { lowUsd: 0.48 }],
      links: { approve: `${path}/approve`, video: `${path}/video`, performance: `${path}/performance` },
    });
    expect(view).not.toHaveProperty('finishedAt');
    expect((await gateway.call(`${path}/video`)).status).toBe(200);
  });

  it('is estimated at the price of its plan until the approval', async () => {
    const body = { prompt: 'A kettle that sings.', durationSeconds: 12, mode: 'draft' };
    const answer = await gateway.call('/v1/estimates', {
      method: 'POST',
      headers: JSON_BODY,
      body: JSON.stringify(body),
    });
    const { beforeApproval, llm, lowUsd } = (await answer.json()) as Record<string, { highUsd: number }>;
    expect(beforeApproval).toEqual(llm);
    expect(lowUsd).toBeGreaterThan(beforeApproval?.highUsd ?? 0);
  });

  it('starts another run for a change that shows, and none for one that does not', async () => {
    const { path, id, plan } = await drafted();
    expect((await patch(path, { title: 'Another' })).status).toBe(200);
    expect(await read(path)).toMatchObject({ run: 1, status: 'awaiting_approval', plan: { title: 'Another' } });
    expect((await patch(path, { scenes: [{ index: 1, description: 'A kettle at dawn' }] })).status).toBe(200);
    expect(await read(path)).toMatchObject({
      ...{ run: 2, status: 'generating', draft: true, result: { draft: true } },
      scenes: [{ status: 'done' }, { status: 'generating' }, { status: 'done' }],
    });
    // While it is being made.
    expect((await patch(path, { scenes: [{ index: 0, overlay: { text: 'Sing' } }] })).status).toBe(200);
    expect(await read(path)).toMatchObject({ run: 3, scenes: [{ status: 'composing' }, { status: 'generating' }, {}] });
    expect((await stateOf(id))?.plan?.scenes[2]).toEqual(plan.scenes[2]);
    const early = await approve(path);
    expect(early.status).toBe(409);
    expect(await problem(early)).toMatchObject({ code: 'NOT_AWAITING_APPROVAL' });
    expect((await events(id)).filter((name) => name === 'draft.edited')).toHaveLength(2);
  });

  it('reserves only its plan, and the cost of the video with its approval', async () => {
    const before = await reservedUsd();
    const { path, id, plan } = await drafted({ maxCostUsd: 6 });
    expect((await reservedUsd()) - before).toBeLessThan(0.1);
    const answers = await Promise.all([approve(path), approve(path)]);
    expect(answers.map(({ status }) => status)).toEqual([202, 202]);
    expect((await approve(path)).status).toBe(202);
    expect((await reservedUsd()) - before).toBeCloseTo(6, 6);
    const state = await stateOf(id);
    expect(state).toMatchObject({ run: 2, status: 'generating', approved: true, previousResult: { draft: true } });
    expect(state?.plan).toEqual(plan);
    const view = (await read(path)) as Record<string, unknown>;
    expect(view).toMatchObject({
      status: 'generating',
      result: { draft: true },
      scenes: [{ model: 'google/veo-3.1' }, {}, {}],
    });
    expect(view).not.toHaveProperty('draft');
    const late = await patch(path, { title: 'Late' });
    expect(late.status).toBe(409);
    expect(await problem(late)).toMatchObject({ detail: expect.stringContaining('already approved') });
    expect((await events(id)).filter((name) => name === 'plan.approved')).toHaveLength(1);
  });

  it('stays a draft when its approval does not fit into the budget', async () => {
    const left = BUDGET_USD - (await reservedUsd());
    const { path, id } = await drafted({ maxCostUsd: left + 1 });
    const answer = await approve(path);
    expect(answer.status).toBe(402);
    expect(await problem(answer)).toMatchObject({ code: 'BUDGET_EXCEEDED', budget: 'owner' });
    expect(await stateOf(id)).toMatchObject({ status: 'awaiting_approval', run: 1 });
    expect(await events(id)).not.toContain('plan.approved');
  });
});
