import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type CreateGenerationInput } from '@clipmesh/contracts';
import { ApiClient, SandboxClient } from '../../src/api.client.js';
import { CHEAP_PICTURES, LocalStack } from '../../src/stack/local.stack.js';

const MAKE_MS = 240_000;
const MODELS = ['google/veo-3.1', 'google/veo-3', 'bytedance/seedance-1-lite'];
const request = (prompt: string): CreateGenerationInput => ({
  prompt,
  sceneCount: 3,
  durationSeconds: 9,
  aspectRatio: '1:1',
  overlays: false,
});
/** The first word is in every prompt of one product, and in no prompt of the other. */
const REFUSED = request('Zanzibar lanterns that glow all night long.');
const HEALTHY = request('A kettle that sings when the water is hot.');

let stack: LocalStack;
let api: ApiClient;
let sandbox: SandboxClient;

beforeAll(async () => {
  stack = await LocalStack.start({
    env: {
      ...CHEAP_PICTURES,
      VIDEO_RETRY_FIRST_SECONDS: '0.1',
      VIDEO_RETRY_MAX_SECONDS: '0.5',
      VIDEO_MODELS: MODELS.join(','),
      BREAKER_FAILURES: '2',
    },
  });
  api = new ApiClient(stack.urls.gateway);
  sandbox = new SandboxClient(stack.urls.sandbox);
}, 120_000);
afterAll(async () => {
  // When beforeAll fails half-way, what it has started must still stop.
  await (stack as LocalStack | undefined)?.stop();
}, 120_000);

const breakersOpened = (): string[] =>
  stack.log('clip-generator.1').filter((line) => line.includes('provider.breaker') && line.includes('"to":"open"'));

describe('prompts that fail for an unknown reason', () => {
  it('cost one purchase per scene and model, open no breaker, and leave a healthy generation alone', async () => {
    await sandbox.clearInvoice();
    await sandbox.scenario({
      clipSeconds: { min: 0.2, max: 0.4 },
      failPrompts: { prompts: 'Zanzibar', error: 'the gears of the engine do not turn' },
    });
    const [bad, good] = await Promise.all([api.create(REFUSED), api.create(HEALTHY)]);
    const made = await api.succeeded(good, MAKE_MS);
    expect(made.scenes.map(({ model }) => model)).toEqual(made.scenes.map(() => MODELS[0]));
    const failed = await api.ended(bad, MAKE_MS);
    expect(failed.error).toMatchObject({ code: 'MODEL_FAILED', stage: 'clip', charged: false });
    const { predictions } = await sandbox.invoice();
    const refused = predictions.filter(({ status }) => status === 'failed');
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.length).toBeLessThanOrEqual(3 * MODELS.length);
    for (const model of MODELS)
      expect(refused.filter((one) => one.model === model).length).toBeLessThanOrEqual(REFUSED.sceneCount ?? 0);
    expect(breakersOpened()).toEqual([]);
  }, 400_000);

  it('with a refused output are tried once more with another seed, and the ledger has the cost', async () => {
    await sandbox.clearInvoice();
    await sandbox.scenario({
      clipSeconds: { min: 0.2, max: 0.4 },
      rejectOutputs: { prompts: 'Zanzibar' },
    });
    const id = await api.create({ ...REFUSED, seed: 5 });
    const failed = await api.ended(id, MAKE_MS);
    expect(failed.error).toMatchObject({ code: 'OUTPUT_REFUSED', charged: true });
    const { predictions, totalUsd } = await sandbox.invoice();
    expect(predictions.map(({ status, model }) => [status, model])).toEqual(
      Array.from({ length: 6 }, () => ['failed', MODELS[0]]),
    );
    expect((await api.cost(id)).totalUsd).toBe(totalUsd);
    expect(breakersOpened()).toEqual([]);
  }, 400_000);
});
