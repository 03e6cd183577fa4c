import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type GenerationState, type SceneState } from '@clipmesh/contracts';
import { planFromTemplate } from '@clipmesh/pipeline';
import { type Broker, leakCheck, startBroker, tempFolder, type TempFolder } from '@clipmesh/testing';
import { problem, startGateway, type TestGateway } from './gateway.harness.js';

const leaks = leakCheck();
const JSON_BODY = { 'content-type': 'application/json' };
let broker: Broker;
let folder: TempFolder;
let gateway: TestGateway;
/** Its owners have 10 USD a day. */
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

/** A film of three scenes, as the director leaves it. */
async function film(
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
    ...{ predictionId: `p${index}`, clip, overlaid: clip },
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
async function told(id: string): Promise<unknown> {
  const connection = await broker.connect();
  const held = await connection.request(
    '$JS.API.STREAM.MSG.GET.EVENTS',
    JSON.stringify({ last_by_subj: `events.${id}.scene.reopened` }),
  );
  const { message } = held.json<{ message?: { data: string } }>();
  return message === undefined ? undefined : JSON.parse(Buffer.from(message.data, 'base64').toString());
}

describe('a scene of a film', () => {
  it('is made anew with another seed, and nothing else is', async () => {
    const { id, state } = await film();
    const response = await regenerate(id, 1);
    expect(response.status).toBe(202);
    expect(await response.json()).toMatchObject({ id, status: 'generating' });
    const after = await stateOf(id);
    expect(after).toMatchObject({ status: 'generating', run: 2, plan: state.plan });
    expect(after?.scenes[1]).toMatchObject({ status: 'generating', attempt: 3, seed: expect.any(Number) });
    expect([after?.scenes[0], after?.scenes[2]]).toEqual([state.scenes[0], state.scenes[2]]);
    expect(await told(id)).toMatchObject({ body: { generationId: id, run: 2, scene: 1 } });
  });

  it('leaves the film of before to be downloaded meanwhile', async () => {
    const { id, state } = await film();
    await regenerate(id, 1);
    const read: unknown = await (await gateway.call(`/v1/generations/${id}`)).json();
    expect(read).toMatchObject({ status: 'generating', result: { sha256: state.result?.video.sha256 } });
    const video = await gateway.call(`/v1/generations/${id}/video`);
    expect([video.status, await video.text()]).toEqual([200, '0123456789']);
    expect((await gateway.call(`/v1/generations/${id}/captions.vtt`)).status).toBe(409);
  });

  it('is made as it is described now', async () => {
    const { id } = await film();
    expect((await regenerate(id, 0, { description: 'A kettle at dawn', durationSeconds: 5, seed: 4 })).status).toBe(
      202,
    );
    const after = await stateOf(id);
    expect(after?.scenes[0]).toMatchObject({ status: 'generating', seed: 4 });
    expect(after?.plan?.scenes[0]).toMatchObject({ description: 'A kettle at dawn', durationSeconds: 5 });
    expect(after?.plan?.durationSeconds).toBe(13);
  });

  it('keeps its clip where only the text changes', async () => {
    const { id, state } = await film();
    expect((await regenerate(id, 2, { overlay: { text: 'Now' } })).status).toBe(202);
    const after = await stateOf(id);
    expect(after?.scenes[2]).toMatchObject({ status: 'composing', clip: state.scenes[2]?.clip, predictionId: 'p2' });
    expect(after?.plan?.scenes[2]?.overlay?.text).toBe('Now');
  });

  it('is made once where two ask at the same time', async () => {
    const { id } = await film();
    const answers = await Promise.all([0, 1, 2, 0].map((scene) => regenerate(id, scene)));
    expect(answers.map(({ status }) => status).sort()).toEqual([202, 409, 409, 409]);
    expect((await stateOf(id))?.scenes.filter(({ status }) => status === 'generating')).toHaveLength(1);
  });

  it.each([
    [3, 404, 'SCENE_NOT_FOUND'],
    ['-1', 404, 'SCENE_NOT_FOUND'],
    ['x', 404, 'SCENE_NOT_FOUND'],
  ])('%s is not there', async (scene, status, code) => {
    const { id } = await film();
    const response = await regenerate(id, scene);
    expect(response.status).toBe(status);
    expect(await problem(response)).toMatchObject({ code });
  });

  it.each([
    [{ durationSeconds: 9 }, 'durationSeconds'],
    [{ overlay: { color: 'red' } }, 'overlay.color'],
    [{ prompt: 'x' }, 'body'],
  ])('is not made anew with %j', async (body, field) => {
    const { id } = await film();
    const response = await regenerate(id, 0, body);
    expect(response.status).toBe(400);
    expect(await problem(response)).toMatchObject({ errors: [expect.objectContaining({ field })] });
  });

  it('is not made anew while its film is made, nor once it was canceled', async () => {
    const { id, state } = await film();
    for (const status of ['generating', 'composing', 'canceled'] as const) {
      await gateway.change(id, { status });
      const response = await regenerate(id, 0);
      expect(response.status).toBe(409);
      expect(await problem(response)).toMatchObject({ code: 'NOT_REGENERABLE' });
    }
    expect((await stateOf(id))?.run).toBe(state.run);
  });

  it('is not made anew beyond what the film may cost', async () => {
    const { id } = await film(gateway, { maxCostUsd: 2 });
    await gateway.change(id, { costMicros: 1_900_000 });
    expect((await regenerate(id, 0)).status).toBe(402);
    expect((await stateOf(id))?.status).toBe('succeeded');
    // A text costs nothing.
    expect((await regenerate(id, 0, { overlay: { text: 'Now' } })).status).toBe(202);
  });

  it.each([{ overlay: { text: 'Now' } }, { seed: 7 }, undefined])(
    'that has no clip and that no money is left for is not begun by %j: nothing would end that run',
    async (body) => {
      const { id, state } = await film(gateway, { maxCostUsd: 2 });
      const [first, ...others] = state.scenes;
      if (first === undefined) throw new Error('there is no scene');
      const { clip: _clip, overlaid: _overlaid, ...bare } = first;
      const message = 'the provider is away';
      const failure = {
        code: 'PROVIDER_UNAVAILABLE',
        stage: 'clip',
        message,
        retryable: true,
        charged: false,
      } as const;
      // It may have been bought, and nobody knows.
      const held = body?.seed === 7 ? { costMicros: 1_440_000, allowanceMicros: 1_920_000 } : { costMicros: 1_900_000 };
      const failed = { ...bare, status: 'failed' as const, failure, ...held };
      const costMicros = held.costMicros;
      await gateway.change(id, { status: 'failed', failure, costMicros, scenes: [failed, ...others] });
      const response = await regenerate(id, 0, body);
      expect(response.status).toBe(402);
      expect(await problem(response)).toMatchObject({ code: 'BUDGET_EXCEEDED', budget: 'generation' });
      expect(await stateOf(id)).toMatchObject({ status: 'failed', run: 1 });
    },
  );

  it("leaves the film as it was when its owner's budget has nothing left", async () => {
    const { id, state } = await film(limited, { maxCostUsd: 6 });
    // What the first run had set aside is free again, and another film has taken it.
    const period = (await limited.stores.generations.get(id))?.value.account?.period ?? '';
    const account = await limited.stores.accounts.get('local', period);
    if (account === undefined) throw new Error('there is no account');
    const line = account.value.generations[id];
    if (line === undefined) throw new Error('there is no line');
    const generations = {
      ...account.value.generations,
      [id]: { ...line, open: false, spentMicros: 1_440_000 },
      [`gen_${'e'.repeat(32)}`]: { ...line, open: true, reservedMicros: 8_000_000, spentMicros: 0 },
    };
    await limited.stores.accounts.save({ ...account.value, generations }, account.revision);
    const before = await limited.stores.generations.get(id);
    const response = await regenerate(id, 0, undefined, limited);
    expect(response.status).toBe(402);
    // Nobody has seen a run that was not to be.
    expect(await limited.stores.generations.get(id)).toEqual(before);
    expect(await problem(response)).toMatchObject({ budget: 'owner' });
    expect(await stateOf(id)).toEqual(state);
    expect(await told(id)).toBeUndefined();
  });
});
