import { SAMPLE_MODELS } from '@clipmesh/testing';
import { createGenerationSchema, type GenerationRecord } from '@clipmesh/contracts';
import { createMemoryStores } from '@clipmesh/persistence';
import { initialState } from '@clipmesh/pipeline';
import { describe, expect, it } from '@jest/globals';
import { OwnedGenerations } from './owned.generations.js';
import { RunsController } from './runs.controller.js';
import { buildJob } from '../jobs/job.builder.js';

const id = `gen_${'1'.repeat(32)}`;
const at = new Date(0).toISOString();
const llm = { model: 'gpt-4o-mini', tries: 3, price: undefined };
const defaults = {
  models: ['google/veo-3.1'],
  table: SAMPLE_MODELS,
  parallelEnabled: true,
  maxWorkers: 4,
  fallbackAfter: 3,
};
const state = initialState(buildJob(createGenerationSchema.parse({ prompt: 'A kettle that sings.' }), defaults));
const record: GenerationRecord = { id, owner: 'local', createdAt: at, updatedAt: at, traceId: '0'.repeat(32), state };

describe('a cancel', () => {
  it('sets no flag when its event cannot be published: the work would be dropped without an end', async () => {
    const stores = createMemoryStores();
    await stores.generations.create(record);
    const flags: string[] = [];
    let isDown = true;
    const controller = new RunsController(
      new OwnedGenerations(stores),
      stores,
      () => (isDown ? Promise.reject(new Error('the broker is unavailable')) : Promise.resolve()),
      { request: (flagged) => Promise.resolve(void flags.push(flagged)), check: () => Promise.resolve(false) },
      undefined,
      llm,
      SAMPLE_MODELS,
    );
    await expect(controller.cancel(id, 'local')).rejects.toThrow('the broker is unavailable');
    expect(flags).toEqual([]);
    isDown = false;
    await controller.cancel(id, 'local');
    expect(flags).toEqual([id]);
  });

  it('that arrives while the generation fails makes a retry a 409: its commands would be dropped', async () => {
    const stores = createMemoryStores();
    await stores.generations.create({ ...record, state: { ...state, status: 'failed' } });
    const published: unknown[] = [];
    let isFlagged = true;
    const controller = new RunsController(
      new OwnedGenerations(stores),
      stores,
      (outgoing) => Promise.resolve(void published.push(...outgoing)),
      { request: () => Promise.resolve(), check: () => Promise.resolve(isFlagged) },
      undefined,
      llm,
      SAMPLE_MODELS,
    );
    await expect(controller.retry(id, 'local')).rejects.toMatchObject({ status: 409, code: 'CANCELED' });
    expect(published).toEqual([]);
    isFlagged = false;
    await controller.retry(id, 'local');
    expect(published).toHaveLength(1);
  });
});
