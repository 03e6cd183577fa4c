import { SAMPLE_MODELS } from '@clipmesh/testing';
import { createGenerationSchema, type GenerationRecord, type Outgoing } from '@clipmesh/contracts';
import { createMemoryStores, type Stores } from '@clipmesh/persistence';
import { initialState, planFromTemplate } from '@clipmesh/pipeline';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { OwnedGenerations } from '../generations/owned.generations.js';
import { buildJob } from '../jobs/job.builder.js';
import { ReviewController } from './review.controller.js';

const id = `gen_${'1'.repeat(32)}`;
const at = new Date(0).toISOString();
const defaults = {
  models: ['google/veo-3.1'],
  table: SAMPLE_MODELS,
  parallelEnabled: true,
  maxWorkers: 4,
  fallbackAfter: 3,
};
const job = buildJob(createGenerationSchema.parse({ prompt: 'A kettle that sings.', mode: 'review' }), defaults);
const planning: GenerationRecord = {
  ...{ id, owner: 'local', createdAt: at, updatedAt: at, traceId: '0'.repeat(32) },
  state: { ...initialState(job), status: 'planning' },
};
const plan = planFromTemplate(job);
const waiting: GenerationRecord = { ...planning, state: { ...planning.state, status: 'awaiting_approval', plan } };

describe('an approval', () => {
  let stores: ReturnType<typeof createMemoryStores>;
  let published: Outgoing[];
  const controllerOf = (generations: Stores['generations']): ReviewController =>
    new ReviewController(new OwnedGenerations({ generations }), {
      owned: new OwnedGenerations({ generations }),
      stores: { ...stores, generations },
      publish: (outgoing) => Promise.resolve(void published.push(...outgoing)),
      budget: undefined,
      models: SAMPLE_MODELS,
      logger: { warn: () => undefined },
    });

  beforeEach(async () => {
    stores = createMemoryStores();
    published = [];
    await stores.generations.create(waiting);
  });

  it('is published if the response is a 202, also when the plan starts waiting during the request', async () => {
    const { generations } = stores;
    let reads = 0;
    const controller = controllerOf({
      ...generations,
      get: async (of) => {
        const found = await generations.get(of);
        reads += 1;
        return reads === 1 && found !== undefined ? { ...found, value: planning } : found;
      },
      save: (value, revision) => generations.save(value, revision),
    });
    const answer = await controller.approve(id, 'local').catch((error: unknown) => error);
    const accepted = !(answer instanceof Error);
    expect(published).toHaveLength(accepted ? 1 : 0);
    expect((await generations.get(id))?.value.state.approved).toBe(accepted ? true : undefined);
  });

  it('succeeds for two concurrent requests', async () => {
    const controller = controllerOf(stores.generations);
    const answers = await Promise.all([controller.approve(id, 'local'), controller.approve(id, 'local')]);
    expect(answers.map(({ status }) => status)).toEqual(['generating', 'generating']);
    expect((await stores.generations.get(id))?.value.state.approved).toBe(true);
  });
});
