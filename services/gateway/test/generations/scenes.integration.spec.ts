import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type GenerationState, type SceneState } from '@clipmesh/contracts';
import { planFromTemplate } from '@clipmesh/pipeline';
import { type Broker, leakCheck, startBroker, tempFolder, type TempFolder } from '@clipmesh/testing';
import { problem, startGateway, type TestGateway } from '../gateway.harness.js';

const leaks = leakCheck();
const JSON_BODY = { 'content-type': 'application/json' };
let broker: Broker;
let folder: TempFolder;
let gateway: TestGateway;
/** A gateway with a budget of 10 USD per owner and day. */
let limited: TestGateway;

beforeAll(async () => {
  broker = await startBroker();
  folder = await tempFolder('gateway-scenes');
  gateway = await startGateway(broker, folder.path);
  limited = await startGateway(broker, folder.path, { BUDGET_PER_OWNER_USD: '10', BUDGET_PERIOD: 'day' });
});

afterAll(async () => {
  await gateway.stop();
  await limited.stop();
  await broker.stop();
  await folder.remove();
  expect(leaks()).toEqual([]);
});

/** A succeeded generation with three scenes. */
async function succeeded(
  of: TestGateway = gateway,
  more: Record<string, unknown> = {},
): Promise<{ id: string; state: GenerationState }> {
  const response = await of.create({ durationSeconds: 12, sceneCount: 3, ...more });
  const { id } = (await response.json()) as { id: string };
  const { state } = await of.change(id, {});
  const plan = planFromTemplate(state.job);
  const clip = await of.artifacts.put(Buffer.from('a clip'), { contentType: 'video/mp4' });
  const scenes = plan.scenes.map(({ index }): SceneState => ({
    ...{ index, status: 'done', attempt: 2, modelIndex: 0, cached: false, costMicros: 480_000 },
    ...{ predictionId: `p${index}`, clip, overlaid: clip, handleFrames: 12 },
  }));
  await of.change(id, { plan, scenes, stitch: { attempt: 1, cause: 'x' } });
  await of.succeed(id);
  return { id, state: (await of.change(id, {})).state };
}
const regenerate = (id: string, scene: number | string, body?: unknown, of: TestGateway = gateway): Promise<Response> =>
  of.call(`/v1/generations/${id}/scenes/${scene}/regenerate`, {
    method: 'POST',
    ...(body === undefined ? {} : { headers: JSON_BODY, body: JSON.stringify(body) }),
  });
const stateOf = async (id: string): Promise<GenerationState | undefined> =>
  (await gateway.stores.generations.get(id))?.value.state;
/** The published event of the regeneration. */
async function eventOf(id: string): Promise<unknown> {
  const connection = await broker.connect();
  const stored = await connection.request(
    '$JS.API.STREAM.MSG.GET.EVENTS',
    JSON.stringify({ last_by_subj: `events.${id}.scene.reopened` }),
  );
  const { message } = stored.json<{ message?: { data: string } }>();
  return message === undefined ? undefined : JSON.parse(Buffer.from(message.data, 'base64').toString());
}

describe('a scene of an ended generation', () => {
  it('is regenerated with a new seed, without changing the others', async () => {
    const { id, state } = await succeeded();
    const response = await regenerate(id, 1);
    expect(response.status).toBe(202);
    expect(await response.json()).toMatchObject({ id, status: 'generating' });
    const after = await stateOf(id);
    expect(after).toMatchObject({ status: 'generating', run: 2, plan: state.plan });
    expect(after?.scenes[1]).toMatchObject({ status: 'generating', attempt: 3, seed: expect.any(Number) });
    expect([after?.scenes[0], after?.scenes[2]]).toEqual([state.scenes[0], state.scenes[2]]);
    expect(await eventOf(id)).toMatchObject({ body: { generationId: id, run: 2, scene: 1 } });
  });

  it('keeps the previous video available while it is regenerated', async () => {
    const { id, state } = await succeeded();
    await regenerate(id, 1);
    const read: unknown = await (await gateway.call(`/v1/generations/${id}`)).json();
    expect(read).toMatchObject({ status: 'generating', result: { sha256: state.result?.video.sha256 } });
    const video = await gateway.call(`/v1/generations/${id}/video`);
    expect([video.status, await video.text()]).toEqual([200, '0123456789']);
    expect((await gateway.call(`/v1/generations/${id}/captions.vtt`)).status).toBe(409);
  });

  it('is regenerated with a new description, length and seed', async () => {
    const { id } = await succeeded();
    expect((await regenerate(id, 0, { description: 'A kettle at dawn', durationSeconds: 5, seed: 4 })).status).toBe(
      202,
    );
    const after = await stateOf(id);
    expect(after?.scenes[0]).toMatchObject({ status: 'generating', seed: 4 });
    expect(after?.plan?.scenes[0]).toMatchObject({ description: 'A kettle at dawn', durationSeconds: 5 });
    expect(after?.plan?.durationSeconds).toBe(13);
  });

  it('keeps its clip when only the text changes', async () => {
    const { id, state } = await succeeded();
    expect((await regenerate(id, 2, { overlay: { text: 'Now' } })).status).toBe(202);
    const after = await stateOf(id);
    expect(after?.scenes[2]).toMatchObject({ status: 'composing', clip: state.scenes[2]?.clip, predictionId: 'p2' });
    expect(after?.plan?.scenes[2]?.overlay?.text).toBe('Now');
  });

  it('is regenerated once for concurrent requests', async () => {
    const { id } = await succeeded();
    const answers = await Promise.all([0, 1, 2, 0].map((scene) => regenerate(id, scene)));
    expect(answers.map(({ status }) => status).sort()).toEqual([202, 409, 409, 409]);
    expect((await stateOf(id))?.scenes.filter(({ status }) => status === 'generating')).toHaveLength(1);
  });

  it.each([
    [3, 404, 'SCENE_NOT_FOUND'],
    ['-1', 404, 'SCENE_NOT_FOUND'],
    ['x', 404, 'SCENE_NOT_FOUND'],
  ])('with the index %s is a %i', async (scene, status, code) => {
    const { id } = await succeeded();
    const response = await regenerate(id, scene);
    expect(response.status).toBe(status);
    expect(await problem(response)).toMatchObject({ code });
  });

  it.each([
    [{ durationSeconds: 9 }, 'durationSeconds'],
    [{ overlay: { color: 'red' } }, 'overlay.color'],
    [{ prompt: 'x' }, 'body'],
  ])('is not regenerated with %j', async (body, field) => {
    const { id } = await succeeded();
    const response = await regenerate(id, 0, body);
    expect(response.status).toBe(400);
    expect(await problem(response)).toMatchObject({ errors: [expect.objectContaining({ field })] });
  });

  it('of an unknown generation is a 404, also with an invalid body', async () => {
    const response = await regenerate(`gen_${'0'.repeat(32)}`, 0, { prompt: 'x' });
    expect(response.status).toBe(404);
    expect(await problem(response)).toMatchObject({ code: 'GENERATION_NOT_FOUND' });
  });

  it('is not regenerated while the generation runs or after a cancel', async () => {
    const { id, state } = await succeeded();
    for (const status of ['generating', 'composing', 'canceled'] as const) {
      await gateway.change(id, { status });
      const response = await regenerate(id, 0);
      expect(response.status).toBe(409);
      expect(await problem(response)).toMatchObject({ code: 'NOT_REGENERABLE' });
    }
    expect((await stateOf(id))?.run).toBe(state.run);
  });

  it('is not regenerated beyond the cap', async () => {
    const { id } = await succeeded(gateway, { maxCostUsd: 2 });
    await gateway.change(id, { costMicros: 1_900_000 });
    expect((await regenerate(id, 0)).status).toBe(402);
    expect((await stateOf(id))?.status).toBe('succeeded');
    // A text change is free.
    expect((await regenerate(id, 0, { overlay: { text: 'Now' } })).status).toBe(202);
  });

  it.each([{ overlay: { text: 'Now' } }, { seed: 7 }, undefined])(
    'without a clip and without budget is not regenerated by %j',
    async (body) => {
      const { id, state } = await succeeded(gateway, { maxCostUsd: 2 });
      const [first, ...others] = state.scenes;
      if (first === undefined) throw new Error('no scene');
      const { clip: _clip, overlaid: _overlaid, ...bare } = first;
      const message = 'the provider is unavailable';
      const failure = {
        code: 'PROVIDER_UNAVAILABLE',
        stage: 'clip',
        message,
        retryable: true,
        charged: false,
      } as const;
      // With seed 7, the previous purchase has an unknown outcome.
      const cost = body?.seed === 7 ? { costMicros: 1_440_000, allowanceMicros: 1_920_000 } : { costMicros: 1_900_000 };
      const failed = { ...bare, status: 'failed' as const, failure, ...cost };
      const { costMicros } = cost;
      await gateway.change(id, { status: 'failed', failure, costMicros, scenes: [failed, ...others] });
      const response = await regenerate(id, 0, body);
      expect(response.status).toBe(402);
      expect(await problem(response)).toMatchObject({ code: 'BUDGET_EXCEEDED', budget: 'generation' });
      expect(await stateOf(id)).toMatchObject({ status: 'failed', run: 1 });
    },
  );

  it('leaves the generation unchanged when the budget of its owner is used up', async () => {
    const { id, state } = await succeeded(limited, { maxCostUsd: 6 });
    // The first run is settled, and another generation has reserved the rest.
    const period = (await limited.stores.generations.get(id))?.value.account?.period ?? '';
    const account = await limited.stores.accounts.get('local', period);
    if (account === undefined) throw new Error('no account');
    const line = account.value.generations[id];
    if (line === undefined) throw new Error('no account line');
    const generations = {
      ...account.value.generations,
      [id]: { ...line, open: false, spentMicros: 1_440_000 },
      [`gen_${'e'.repeat(32)}`]: { ...line, open: true, reservedMicros: 8_000_000, spentMicros: 0 },
    };
    await limited.stores.accounts.save({ ...account.value, generations }, account.revision);
    const before = await limited.stores.generations.get(id);
    const response = await regenerate(id, 0, undefined, limited);
    expect(response.status).toBe(402);
    // The rejected run was never visible.
    expect(await limited.stores.generations.get(id)).toEqual(before);
    expect(await problem(response)).toMatchObject({ budget: 'owner' });
    expect(await stateOf(id)).toEqual(state);
    expect(await eventOf(id)).toBeUndefined();
  });
});
