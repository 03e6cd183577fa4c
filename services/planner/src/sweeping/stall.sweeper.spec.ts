import { type Outgoing } from '@clipmesh/contracts';
import { systemClock } from '@clipmesh/messaging';
import { createMemoryStores } from '@clipmesh/persistence';
import { expect, it } from '@jest/globals';
import { idOf, recordOf } from '../../test/generation.samples.js';
import { sweep } from './stall.sweeper.js';

it('notices a stalled generation while the director has a backlog of other generations', async () => {
  const { generations } = createMemoryStores();
  const [stalled, backlogged, alive] = [idOf('1'), idOf('2'), idOf('3')];
  for (const id of [stalled, backlogged, alive]) await generations.create(recordOf({ id }));
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
