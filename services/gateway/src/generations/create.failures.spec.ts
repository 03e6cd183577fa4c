import { SAMPLE_MODELS } from '@clipmesh/testing';
import { createGenerationSchema, type Outgoing } from '@clipmesh/contracts';
import { createMemoryStores } from '@clipmesh/persistence';
import { describe, expect, it } from '@jest/globals';
import { problemOf } from '../http/problems/problem.js';
import { type CreateDeps, GenerationCreator } from './generation.create.js';
import { GenerationsController } from './generations.controller.js';
import { OwnedGenerations } from './owned.generations.js';

type Failing = 'get' | 'publish' | 'create';

class TimeoutError extends Error {
  override readonly name = 'TimeoutError';
}

/** A gateway with one failing dependency call. */
function setUp(failing: Failing | undefined) {
  const stores = createMemoryStores();
  const { generations } = stores;
  const published: Outgoing[] = [];
  const warnings: string[] = [];
  const fail = (): Promise<never> => Promise.reject(new TimeoutError('the broker is unavailable'));
  const gatewayStores = {
    ...stores,
    generations: { ...generations, ...(failing === 'publish' ? {} : failing && { [failing]: fail }) },
  };
  const deps = {
    stores: gatewayStores,
    publish:
      failing === 'publish' ? fail : (outgoing: readonly Outgoing[]) => Promise.resolve(published.push(...outgoing)),
    models: SAMPLE_MODELS,
    defaults: {
      models: ['google/veo-3.1'],
      table: SAMPLE_MODELS,
      parallelEnabled: true,
      maxWorkers: 4,
      fallbackAfter: 3,
    },
    lastEventSequence: () => Promise.resolve(7),
    llm: { model: 'gpt-4o', tries: 3 },
    logger: { info: () => undefined, warn: (_fields: unknown, text: string) => warnings.push(text) },
  } as unknown as CreateDeps;
  const controller = new GenerationsController(
    new OwnedGenerations(gatewayStores),
    new GenerationCreator(deps),
    gatewayStores,
    SAMPLE_MODELS,
  );
  const create = async (key?: string): Promise<{ status: number; id?: string; replayed: boolean }> => {
    const answer: { status: number; id?: string; replayed: boolean } = { status: 0, replayed: false };
    const response = {
      set: () => (answer.replayed = true),
      status: (status: number) => {
        answer.status = status;
        return response;
      },
      location: () => response,
      json: ({ id }: { id: string }) => (answer.id = id),
    };
    await controller
      .create(createGenerationSchema.parse({ prompt: 'A kettle that sings.' }), 'local', key, response as never)
      .catch((error: unknown) => (answer.status = problemOf(error).status));
    return answer;
  };
  const ids = async () => (await generations.list({ owner: 'local', limit: 10 })).map(({ id }) => id);
  return { create, ids, published, warnings };
}

describe('a create', () => {
  it.each<[Failing | undefined, number, number, number, number]>([
    // The failing call, the status, and the numbers of stored generations, published commands and warnings.
    [undefined, 202, 1, 1, 0],
    ['get', 202, 1, 1, 0],
    ['publish', 202, 1, 0, 1],
    ['create', 503, 0, 0, 0],
  ])('with a failing %s returns %i', async (failing, status, stored, published, warnings) => {
    const gateway = setUp(failing);
    const answer = await gateway.create();
    const ids = await gateway.ids();
    expect([answer.status, ids.length, gateway.published.length, gateway.warnings.length]).toEqual([
      status,
      stored,
      published,
      warnings,
    ]);
    expect(answer.id).toBe(ids[0]);
  });

  it('returns the same generation for its key when the command was not published', async () => {
    const gateway = setUp('publish');
    const [first, second] = [await gateway.create('spring'), await gateway.create('spring')];
    expect([first, second]).toEqual([
      { status: 202, id: first.id, replayed: false },
      { status: 202, id: first.id, replayed: true },
    ]);
    expect(await gateway.ids()).toEqual([first.id]);
  });
});
