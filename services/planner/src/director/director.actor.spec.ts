import { type GenerationRecord, RetryRequested } from '@clipmesh/contracts';
import { systemClock } from '@clipmesh/messaging';
import { createMemoryStores } from '@clipmesh/persistence';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { at, idOf, recordOf } from '../../test/generation.samples.js';
import { DirectorActor } from './director.actor.js';

const id = idOf('1');
const of = (hex: string): string => `00-${hex.repeat(32)}-${'9'.repeat(16)}-01`;
const log = (): void => undefined;
const logger = { info: log, warn: log, error: log };

describe('the trace of a generation', () => {
  const stores = createMemoryStores();
  const record = async (): Promise<GenerationRecord | undefined> => (await stores.generations.get(id))?.value;
  const director = new DirectorActor({
    generations: stores.generations,
    models: new Map(),
    logger,
    clock: systemClock,
  });
  const retry = (run: number, hex: string) =>
    director.receive(
      { name: RetryRequested.name, body: { generationId: id, at, charges: [], run } },
      { messageId: `retry.${run}`, traceparent: of(hex) },
    );

  beforeEach(async () => {
    await stores.generations.remove(id);
    await stores.generations.create(
      recordOf({ id, traceId: 'a'.repeat(32), traceparent: of('a') }, { status: 'failed' }),
    );
  });

  it('is that of its current run; earlier ones are kept', async () => {
    await retry(2, 'b');
    expect(await record()).toMatchObject({ traceId: 'b'.repeat(32), traceparent: of('b') });
    expect((await record())?.earlierTraceIds).toEqual(['a'.repeat(32)]);
  });

  it('does not change with a redelivered retry, whatever its trace', async () => {
    await retry(2, 'b');
    await retry(2, 'c');
    await retry(7, 'd');
    expect(await record()).toMatchObject({ traceId: 'b'.repeat(32), earlierTraceIds: ['a'.repeat(32)] });
  });
});
