import { type GenerationRecord, type Outgoing } from '@clipmesh/contracts';
import { systemClock } from '@clipmesh/messaging';
import { createMemoryStores } from '@clipmesh/persistence';
import { initialState } from '@clipmesh/pipeline';
import { expect, it } from '@jest/globals';
import { sweep } from './stall.sweeper.js';

const idOf = (digit: string): string => `gen_${digit.repeat(32)}`;
const at = '2026-01-01T00:00:00.000Z';
const record = (id: string): GenerationRecord => ({
  ...{ id, owner: 'local', createdAt: at, updatedAt: at, traceId: '0'.repeat(32) },
  state: initialState({
    prompt: 'A kettle that sings.',
    durationSeconds: 9,
    aspectRatio: '9:16',
    seed: 1,
    overlays: true,
    models: ['google/veo-3.1'],
    window: 2,
    fallbackAfter: 3,
  }),
});

it('notices a stalled generation while the director has a backlog of other generations', async () => {
  const { generations } = createMemoryStores();
  const [stalled, backlogged, alive] = [idOf('1'), idOf('2'), idOf('3')];
  for (const id of [stalled, backlogged, alive]) await generations.create(record(id));
  const published: Outgoing[] = [];
  const noticed = await sweep({
    generations,
    dropSettled: () => Promise.resolve(0),
    backlog: () => Promise.resolve({ generations: new Set([alive]) }),
    isDirectorCaughtUp: (id) => Promise.resolve(id !== backlogged),
    publish: (outgoing) => Promise.resolve(void published.push(...outgoing)),
    clock: systemClock,
    logger: { warn: () => undefined },
    ...{ intervalMs: 1000, stallAfterMs: 60_000, maxRevivals: 3, approvalMs: 1000 },
  });
  expect(noticed).toBe(1);
  expect(published.map(({ body }) => body.generationId)).toEqual([stalled]);
});
