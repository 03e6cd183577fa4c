import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ATTR, thisHost } from '@clipmesh/tracing';
import { trace } from '@opentelemetry/api';
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import { Media } from '../src/index.js';

const memory = new InMemorySpanExporter();
const DEADLINE_MS = 120_000;
let dir: string;
let media: Media;

beforeAll(async () => {
  trace.setGlobalTracerProvider(new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(memory)] }));
  dir = await mkdtemp(join(tmpdir(), 'media-cpu-'));
  media = new Media({ threads: 1, idleTimeoutMs: DEADLINE_MS, tempDir: join(dir, 'tmp'), maxProcesses: 2 });
});
afterAll(async () => {
  trace.disable();
  await rm(dir, { recursive: true, force: true });
});

/** The attributes of the last span of this name. */
function attributesOf(name: string): Readonly<Record<string, unknown>> {
  return (
    memory
      .getFinishedSpans()
      .filter((span) => span.name === name)
      .at(-1)?.attributes ?? {}
  );
}

describe('the span of a process', () => {
  const clip = { seed: 7, label: 'a', width: 180, height: 320 };
  it(
    'has its CPU time, the host with its cores, and the idle time of the host',
    async () => {
      const output = join(dir, 'a.mp4');
      await media.render({ ...clip, durationSeconds: 2, output }, { signal: AbortSignal.timeout(DEADLINE_MS) });
      const { id, cores } = thisHost();
      const rendered = attributesOf('ffmpeg render');
      expect(rendered).toMatchObject({ [ATTR.hostId]: id, [ATTR.hostCores]: cores });
      expect(rendered[ATTR.cpuMs]).toBeGreaterThan(0);
      expect(Number(rendered[ATTR.hostIdleAfterMs]) - Number(rendered[ATTR.hostIdleBeforeMs])).toBeGreaterThanOrEqual(
        0,
      );
      await media.probe(output, { signal: AbortSignal.timeout(DEADLINE_MS) });
      expect(attributesOf('ffmpeg probe')).toMatchObject({ [ATTR.hostId]: id, [ATTR.cpuMs]: expect.any(Number) });
    },
    DEADLINE_MS,
  );
  it(
    'has the CPU time of a process that was killed',
    async () => {
      const abort = new AbortController();
      const killed = media.render(
        { ...clip, durationSeconds: 600, output: join(dir, 'b.mp4') },
        {
          signal: abort.signal,
          onProgress: () => {
            abort.abort();
          },
        },
      );
      await expect(killed).rejects.toMatchObject({ code: 'CANCELED' });
      expect(attributesOf('ffmpeg render')).toMatchObject({ 'process.exit.signal': 'SIGKILL' });
      expect(attributesOf('ffmpeg render')[ATTR.cpuMs]).toBeGreaterThan(0);
    },
    DEADLINE_MS,
  );
});
