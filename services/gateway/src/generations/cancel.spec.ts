import { type GenerationRecord } from '@clipmesh/contracts';
import { createMemoryStores } from '@clipmesh/persistence';
import { initialState } from '@clipmesh/pipeline';
import { describe, expect, it } from '@jest/globals';
import { type GatewayDeps } from '../gateway.deps.js';
import { GenerationsController } from './generations.controller.js';
import { buildJob, parseRequest } from './job.builder.js';

const id = `gen_${'1'.repeat(32)}`;
const at = new Date(0).toISOString();
const defaults = { models: ['google/veo-3.1'], parallelEnabled: true, maxWorkers: 4, fallbackAfter: 3 };
const state = initialState(buildJob(parseRequest({ prompt: 'A kettle that sings.' }), defaults));
const record: GenerationRecord = { id, owner: 'local', createdAt: at, updatedAt: at, traceId: '0'.repeat(32), state };

describe('a cancel', () => {
  it('sets no flag when its event cannot be published: the work would be dropped without an end', async () => {
    const stores = createMemoryStores();
    await stores.generations.create(record);
    const flags: string[] = [];
    let isDown = true;
    const deps = {
      stores,
      ownerOf: () => 'local',
      publish: () => (isDown ? Promise.reject(new Error('the broker is unavailable')) : Promise.resolve()),
      cancellations: { request: (flagged: string) => Promise.resolve(void flags.push(flagged)) },
    } as unknown as GatewayDeps;
    const controller = new GenerationsController(deps);
    await expect(controller.cancel(id, undefined)).rejects.toThrow('the broker is unavailable');
    expect(flags).toEqual([]);
    isDown = false;
    await controller.cancel(id, undefined);
    expect(flags).toEqual([id]);
  });

  it('that arrives while the generation fails makes a retry a 409: its commands would be dropped', async () => {
    const stores = createMemoryStores();
    await stores.generations.create({ ...record, state: { ...state, status: 'failed' } });
    const published: unknown[] = [];
    let isFlagged = true;
    const deps = {
      stores,
      ownerOf: () => 'local',
      llm: { model: 'gpt-4o-mini', tries: 3 },
      publish: (outgoing: unknown[]) => Promise.resolve(void published.push(...outgoing)),
      cancellations: { check: () => Promise.resolve(isFlagged) },
    } as unknown as GatewayDeps;
    const controller = new GenerationsController(deps);
    await expect(controller.retry(id, undefined)).rejects.toMatchObject({ status: 409, code: 'CANCELED' });
    expect(published).toEqual([]);
    isFlagged = false;
    await controller.retry(id, undefined);
    expect(published).toHaveLength(1);
  });
});
