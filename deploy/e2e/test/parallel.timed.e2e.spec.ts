import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type CreateGenerationInput } from '@clipmesh/contracts';
import { type Trace } from '@clipmesh/trace-analysis';
import { ApiClient, SandboxClient } from '../src/api.client.js';
import { LocalStack } from '../src/local.stack.js';
import { KEYS, mostClipsAtOnce, named, stretchMs, TraceCollector } from '../src/trace.collector.js';

const MAKE_MS = 60_000;

let stack: LocalStack;
let collector: TraceCollector;
let api: ApiClient;
let sandbox: SandboxClient;

beforeAll(async () => {
  collector = await TraceCollector.start();
  stack = await LocalStack.start({ env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url } });
  api = new ApiClient(stack.urls.gateway);
  sandbox = new SandboxClient(stack.urls.sandbox);
});

afterAll(async () => {
  // Whatever beforeAll did not come to: what it did must still be put away.
  await (stack as LocalStack | undefined)?.stop();
  await (collector as TraceCollector | undefined)?.close();
});

async function make(sceneCount: number, parallel: CreateGenerationInput['parallel'], prompt: string): Promise<Trace> {
  const id = await api.create({
    prompt,
    sceneCount,
    durationSeconds: Math.max(9, sceneCount * 3),
    aspectRatio: '1:1',
    overlays: false,
    parallel,
  });
  const { traceId } = await api.succeeded(id, MAKE_MS);
  return collector.complete(traceId, 'process generation.succeeded', 15_000);
}
const clipsOf = (trace: Trace) => named(trace, 'process clip.generate', 'clip-generator');

describe('the clips of one generation', () => {
  it('take as long as one clip when all of them are in the window', async () => {
    const clipMs = 5_000;
    await sandbox.scenario({ clipSeconds: { min: clipMs / 1000, max: clipMs / 1000 } });
    const trace = await make(4, { maxWorkers: 4 }, 'A lamp that follows the sun through the day.');
    const clips = clipsOf(trace);
    expect(clips).toHaveLength(4);
    expect(mostClipsAtOnce(trace)).toBe(4);
    expect(stretchMs(clips)).toBeGreaterThanOrEqual(clipMs);
    expect(stretchMs(clips)).toBeLessThan(1.15 * clipMs);
  });

  it('come one after another in a window of 1, and with parallel generation switched off', async () => {
    const clipMs = 2_000;
    await sandbox.scenario({ clipSeconds: { min: clipMs / 1000, max: clipMs / 1000 } });
    const traces = await Promise.all([
      make(3, { maxWorkers: 1 }, 'A chair that folds into a bag.'),
      make(3, { enabled: false }, 'A table that folds into a bag.'),
    ]);
    for (const trace of traces) {
      const clips = clipsOf(trace);
      expect(clips).toHaveLength(3);
      expect(mostClipsAtOnce(trace)).toBe(1);
      expect(clips.map((span) => span.attributes[KEYS.scene])).toEqual([0, 1, 2]);
      expect(stretchMs(clips)).toBeGreaterThanOrEqual(3 * clipMs);
      expect(stretchMs(clips)).toBeLessThan(1.5 * 3 * clipMs);
      const overlays = named(trace, 'process overlay.apply', 'overlay');
      expect(overlays[0]?.startUs).toBeLessThan(clips[1]?.endUs ?? 0);
    }
  });

  it('wait for no batch: a worker that is done takes the next scene while a slow clip still runs', async () => {
    await sandbox.scenario({ clipSeconds: [5, 1, 1, 1] });
    const trace = await make(4, { maxWorkers: 2 }, 'A pen that never runs dry.');
    const clips = clipsOf(trace);
    const slowest = Math.max(...clips.map(({ endUs }) => endUs));
    expect(clips.every(({ startUs }) => startUs < slowest - 1_000_000)).toBe(true);
    expect(mostClipsAtOnce(trace)).toBe(2);
  });
});
