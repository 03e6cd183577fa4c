import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type CreateGenerationInput } from '@clipmesh/contracts';
import { type Trace } from '@clipmesh/trace-analysis';
import { ApiClient, SandboxClient } from '../../src/api.client.js';
import { eventually } from '../../src/eventually.js';
import { CHEAP_PICTURES, LocalStack } from '../../src/stack/local.stack.js';
import { KEYS, mostClipsAtOnce, named, TraceCollector } from '../../src/traces/trace.collector.js';

const HANG_MS = 120_000;
const MAKE_MS = 240_000;
const QUICK = { min: 0.1, max: 0.1 };

let stack: LocalStack;
let collector: TraceCollector;
let api: ApiClient;
let sandbox: SandboxClient;

beforeAll(async () => {
  collector = await TraceCollector.start();
  stack = await LocalStack.start({ env: { ...CHEAP_PICTURES, OTEL_EXPORTER_OTLP_ENDPOINT: collector.url } });
  api = new ApiClient(stack.urls.gateway);
  sandbox = new SandboxClient(stack.urls.sandbox);
});

afterAll(async () => {
  // When beforeAll fails half-way, what it has started must still stop.
  await (stack as LocalStack | undefined)?.stop();
  await (collector as TraceCollector | undefined)?.close();
});

const create = (sceneCount: number, parallel: CreateGenerationInput['parallel'], prompt: string): Promise<string> =>
  api.create({
    ...{ prompt, sceneCount, parallel, aspectRatio: '1:1', overlays: false },
    durationSeconds: Math.max(9, sceneCount * 3),
  });
async function traceOf(id: string): Promise<Trace> {
  const { traceId } = await api.succeeded(id, MAKE_MS);
  return collector.complete(traceId, 'process generation.succeeded', HANG_MS);
}
const clipsOf = (trace: Trace) => named(trace, 'process clip.generate', 'clip-generator');
/** Waits until the provider has this many succeeded and running predictions. */
const predictions = (succeeded: number, running: number): Promise<true> =>
  eventually(`${succeeded} clips made and ${running} under way`, HANG_MS, async () => {
    const states = (await sandbox.invoice()).predictions.map(({ status }) => status);
    const count = (wanted: string): number => states.filter((status) => status === wanted).length;
    return count('succeeded') === succeeded && count('processing') === running ? true : undefined;
  });

describe('the clips of one generation', () => {
  it('all run at once when the window has room for all', async () => {
    await sandbox.clearInvoice();
    await sandbox.scenario({ clipSeconds: QUICK, hold: [0, 1, 2, 3] });
    const id = await create(4, { maxWorkers: 4 }, 'A lamp that follows the sun through the day.');
    await predictions(0, 4);
    await sandbox.scenario({ clipSeconds: QUICK });
    const trace = await traceOf(id);
    expect(clipsOf(trace)).toHaveLength(4);
    expect(mostClipsAtOnce(trace)).toBe(4);
  });

  it.each([
    ['in a window of 1', { maxWorkers: 1 }],
    ['with parallel generation switched off', { enabled: false }],
  ])('run one at a time %s, and the first is overlaid while the second is generated', async (_name, parallel) => {
    await sandbox.clearInvoice();
    await sandbox.scenario({ clipSeconds: QUICK, hold: [1] });
    const id = await create(3, parallel, 'A chair that folds into a bag.');
    await predictions(1, 1);
    await eventually('the first overlay', HANG_MS, async () =>
      (await api.read(id)).scenes.some(({ index, status }) => index === 0 && status === 'done') ? true : undefined,
    );
    expect((await sandbox.invoice()).predictions).toHaveLength(2);
    await sandbox.scenario({ clipSeconds: QUICK });
    const trace = await traceOf(id);
    const clips = clipsOf(trace);
    expect(clips).toHaveLength(3);
    expect(mostClipsAtOnce(trace)).toBe(1);
    expect(clips.map((span) => span.attributes[KEYS.scene])).toEqual([0, 1, 2]);
  });

  it('are not batched: a free worker takes the next scene while a slow clip still runs', async () => {
    await sandbox.clearInvoice();
    await sandbox.scenario({ clipSeconds: QUICK, hold: [0] });
    const id = await create(4, { maxWorkers: 2 }, 'A pen that never runs dry.');
    await predictions(3, 1);
    await sandbox.scenario({ clipSeconds: QUICK });
    expect(mostClipsAtOnce(await traceOf(id))).toBe(2);
  });
});
