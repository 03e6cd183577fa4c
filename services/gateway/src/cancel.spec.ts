import { type GenerationRecord } from '@clipmesh/contracts';
import { createMemoryStores } from '@clipmesh/persistence';
import { initialState } from '@clipmesh/pipeline';
import { describe, expect, it } from '@jest/globals';
import { type GatewayDeps } from './gateway.parts.js';
import { GenerationsController } from './generations.controller.js';
import { buildJob, parseRequest } from './job.builder.js';

const id = `gen_${'1'.repeat(32)}`;
const at = new Date(0).toISOString();
const defaults = { models: ['google/veo-3.1'], parallelEnabled: true, maxWorkers: 4, fallbackAfter: 3 };
const state = initialState(buildJob(parseRequest({ prompt: 'A kettle that sings.' }), defaults));
const record: GenerationRecord = { id, owner: 'local', createdAt: at, updatedAt: at, traceId: '0'.repeat(32), state };

describe('a cancel', () => {
  it('that is not told sets no flag: the work would be dropped, and nothing would stop or end', async () => {
    const stores = createMemoryStores();
    await stores.generations.create(record);
    const flags: string[] = [];
    let isAway = true;
    const deps = {
      stores,
      ownerOf: () => 'local',
      publish: () => (isAway ? Promise.reject(new Error('the broker is away')) : Promise.resolve()),
      cancellations: { request: (flagged: string) => Promise.resolve(void flags.push(flagged)) },
    } as unknown as GatewayDeps;
    const controller = new GenerationsController(deps);
    await expect(controller.cancel(id, undefined)).rejects.toThrow('the broker is away');
    expect(flags).toEqual([]);
    isAway = false;
    await controller.cancel(id, undefined);
    expect(flags).toEqual([id]);
  });

  it('that came as the generation failed leaves nothing to be retried: all its commands would be dropped', async () => {
    const stores = createMemoryStores();
    await stores.generations.create({ ...record, state: { ...state, status: 'failed' } });
    const told: unknown[] = [];
    let isFlagged = true;
    const deps = {
      stores,
      ownerOf: () => 'local',
      llm: { model: 'gpt-4o-mini', tries: 3 },
      publish: (outgoing: unknown[]) => Promise.resolve(void told.push(...outgoing)),
      cancellations: { check: () => Promise.resolve(isFlagged) },
    } as unknown as GatewayDeps;
    const controller = new GenerationsController(deps);
    await expect(controller.retry(id, undefined)).rejects.toMatchObject({ status: 409, code: 'CANCELED' });
    expect(told).toEqual([]);
    isFlagged = false;
    await controller.retry(id, undefined);
    expect(told).toHaveLength(1);
  });
});
