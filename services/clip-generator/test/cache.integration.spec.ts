import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CancelRequested, ClipGenerate, type ClipGenerateBody, type Job, message } from '@clipmesh/contracts';
import { readBacklog } from '@clipmesh/messaging';
import { initialState } from '@clipmesh/pipeline';
import { until } from '@clipmesh/testing';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type ClipEnd, DEADLINE_MS, startSandboxBench } from './clip.bench.js';

let bench: Awaited<ReturnType<typeof startSandboxBench>>;

beforeAll(async () => {
  bench = await startSandboxBench();
  // One at a time, so that two messages run in two replicas.
  for (const workerId of ['clip-generator.1', 'clip-generator.2'])
    await bench.startReplica(workerId, { CLIP_CONCURRENCY: '1' });
});
afterAll(() => bench.stop());

const job: Job = {
  prompt: '',
  durationSeconds: 9,
  aspectRatio: '1:1',
  seed: 7,
  overlays: false,
  models: ['google/veo-3.1'],
  window: 1,
  fallbackAfter: 3,
};
/** The clip command of a new generation. */
async function command(prompt: string, owner = 'ann'): Promise<ClipGenerateBody> {
  const body = bench.command({ prompt });
  const at = new Date().toISOString();
  await bench.stores.generations.create({
    ...{ id: body.generationId, owner, createdAt: at, updatedAt: at, traceId: '0'.repeat(32) },
    state: initialState({ ...job, prompt }),
  });
  return body;
}
async function make(body: ClipGenerateBody): Promise<Extract<ClipEnd, { name: 'clip.generated' }>['body']> {
  const end = await bench.make(body);
  if (end.name !== 'clip.generated') throw new Error(end.body.failure.message);
  return end.body;
}

describe('two replicas', () => {
  it('buy once for two generations at the same time, and a third one later', async () => {
    await bench.sandbox.scenario({ clipSeconds: { min: 1, max: 1 } });
    const both = await Promise.all([make(await command('a red kite')), make(await command('a red kite'))]);
    const third = await make(await command('a red kite'));
    const { predictions } = await bench.sandbox.invoice();
    expect(predictions).toHaveLength(1);
    for (const { predictionId } of [...both, third]) expect(predictionId).toBe(predictions[0]?.id);
    expect(both.map(({ cached }) => cached).sort()).toEqual([false, true]);
    expect([...both, third].flatMap(({ charges }) => charges)).toHaveLength(1);
    const ready = { status: 'ready', predictionId: predictions[0]?.id };
    expect(await bench.stores.cache.all()).toMatchObject([{ value: ready }]);
    const others = await make(await command('a red kite', 'bob'));
    expect([others.cached, others.predictionId === ready.predictionId]).toEqual([false, false]);
    expect((await bench.sandbox.invoice()).predictions).toHaveLength(2);
  });

  it('buy nothing for a generation after its cancel was published, even without the flag', async () => {
    await bench.sandbox.clearInvoice();
    await bench.sandbox.scenario({ clipSeconds: { min: 30, max: 30 } });
    const body = await command('a green kite');
    const scenes = [0, 1, 2, 3].map((scene) => message(ClipGenerate, { ...body, scene, prompt: `kite ${scene}` }));
    await bench.publish(scenes);
    await until(async () => (await bench.sandbox.invoice()).predictions.length === 2, DEADLINE_MS, 'two purchases');
    const { generationId } = body;
    const at = new Date().toISOString();
    await bench.publish([message(CancelRequested, { generationId, at, charges: [], reason: 'test' })]);
    const connection = await bench.broker.connect();
    const isOver = async (): Promise<boolean> =>
      (await readBacklog(connection)).generations.size === 0 || (await bench.sandbox.invoice()).predictions.length > 2;
    await until(isOver, DEADLINE_MS, 'the end of the commands');
    expect((await bench.sandbox.invoice()).predictions).toHaveLength(2);
  });

  it('do not use a damaged file', async () => {
    await bench.sandbox.clearInvoice();
    await bench.sandbox.scenario({ clipSeconds: { min: 0.1, max: 0.1 } });
    const first = await make(await command('a blue kite'));
    // The same length with other bytes.
    await writeFile(join(bench.folder.path, 'artifacts', first.clip.key), Buffer.alloc(first.clip.bytes, 1));
    const second = await make(await command('a blue kite'));
    expect(second).toMatchObject({ cached: false });
    expect((await bench.sandbox.invoice()).predictions).toHaveLength(2);
    expect(await make(await command('a blue kite'))).toMatchObject({ cached: true, predictionId: second.predictionId });
  });
});
