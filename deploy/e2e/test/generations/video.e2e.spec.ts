import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type CreateGenerationInput, type Plan } from '@clipmesh/contracts';
import { type Span, type Trace } from '@clipmesh/trace-analysis';
import { ApiClient, type Generation, SandboxClient, type SentEvent } from '../../src/api.client.js';
import { ROOT } from '../../src/stack/command.runner.js';
import { eventually } from '../../src/eventually.js';
import {
  boxNames,
  boxOf,
  countBy,
  distance,
  drawnText,
  type Frame,
  frameAt,
  likeness,
  maskOf,
  withoutSpecks,
  meanLuma,
  probe,
} from '../../src/ffmpeg/frames.js';
import { LocalStack } from '../../src/stack/local.stack.js';
import { KEYS, mostClipsAtOnce, named, TraceCollector } from '../../src/traces/trace.collector.js';

/** Mean difference of luma between a frame and its JPEG, which has another colour matrix. */
const NEARLY_EQUAL = 20;
const MAKE_MS = 240_000;
const FONT = createRequire(join(ROOT, 'libs/media/package.json')).resolve(
  '@expo-google-fonts/noto-sans/700Bold/NotoSans_700Bold.ttf',
);

interface Case {
  readonly name: string;
  readonly request: CreateGenerationInput & { readonly sceneCount: number; readonly durationSeconds: number };
  readonly window: number;
  readonly width: number;
  readonly height: number;
}
/** Dark colours, so that white text is brighter than the picture; short phrases, so that a text is one line. */
const prompt = 'A kettle that sings when the water is ready. Colors: navy and black.';
const videoCase = (
  name: string,
  scenes: number,
  window: number,
  rest: Pick<CreateGenerationInput, 'aspectRatio' | 'overlays'>,
  size: [number, number],
): Case => ({
  name,
  request: {
    prompt,
    sceneCount: scenes,
    durationSeconds: scenes * 3,
    parallel: { maxWorkers: window },
    seed: 7 + scenes,
    ...rest,
  },
  window,
  width: size[0],
  height: size[1],
});
const WIDE: [number, number] = [1280, 720];
const CASES = [
  videoCase('3 scenes, window 1', 3, 1, { aspectRatio: '1:1' }, [720, 720]),
  videoCase('5 scenes, window 3', 5, 3, { aspectRatio: '16:9' }, WIDE),
  videoCase('7 scenes, window 4', 7, 4, { aspectRatio: '9:16' }, [720, 1280]),
];
const BARE = videoCase('5 scenes without texts', 5, 3, { aspectRatio: '16:9', overlays: false }, WIDE);

interface Made {
  readonly generation: Generation;
  readonly plan: Plan;
  readonly video: string;
  readonly events: readonly SentEvent[];
  readonly trace: Trace;
  /** The raw clips in plan order. */
  readonly clips: readonly string[];
}

let stack: LocalStack;
let collector: TraceCollector;
let api: ApiClient;
let sandbox: SandboxClient;
let files: string;
const made = new Map<string, Made>();

async function make({ name, request }: Case): Promise<void> {
  const id = await api.create(request);
  const events = await api.events(id, MAKE_MS);
  const generation = await api.succeeded(id, 120_000);
  const { plan } = generation;
  if (plan === undefined) throw new Error('a generation that succeeded has no plan');
  const folder = join(files, id);
  mkdirSync(folder);
  const keep = (file: string, bytes: Buffer): string => {
    writeFileSync(join(folder, file), bytes);
    return join(folder, file);
  };
  const video = keep('video.mp4', await api.bytes(`/v1/generations/${id}/video`));
  const clips: string[] = [];
  for (const { index, predictionId = '' } of generation.scenes) {
    clips.push(keep(`clip-${index}.mp4`, await sandbox.clip(predictionId)));
  }
  const trace = await collector.complete(generation.traceId, 'process generation.succeeded', 120_000);
  made.set(name, { generation, plan, video, events, trace, clips });
}

const of = ({ name }: Case): Made => {
  const found = made.get(name);
  if (found === undefined) throw new Error(`${name} was not made`);
  return found;
};

beforeAll(async () => {
  files = mkdtempSync(join(tmpdir(), 'clipmesh-videos-'));
  collector = await TraceCollector.start();
  // All videos are made at once, and each fills its own window: the first clips are held until all of them run.
  const clips = [...CASES, BARE].reduce((sum, { window }) => sum + window, 0);
  stack = await LocalStack.start({
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, CLIP_CONCURRENCY: String(clips) },
  });
  api = new ApiClient(stack.urls.gateway);
  sandbox = new SandboxClient(stack.urls.sandbox);
  const clipSeconds = { min: 1.5, max: 2 };
  await sandbox.scenario({ clipSeconds, hold: Array.from({ length: clips }, (_, index) => index) });
  const making = Promise.all([...CASES, BARE].map(make));
  const windows = eventually('full windows', 240_000, async () => {
    const { predictions } = await sandbox.invoice();
    return predictions.filter(({ status }) => status === 'processing').length === clips ? true : undefined;
  });
  await Promise.race([making, windows]);
  await sandbox.scenario({ clipSeconds });
  await making;
});

afterAll(async () => {
  // When beforeAll fails half-way, what it has started must still stop.
  await (stack as LocalStack | undefined)?.stop();
  await (collector as TraceCollector | undefined)?.close();
  rmSync(files, { recursive: true, force: true });
});

describe.each(CASES.map((entry) => [entry.name, entry] as const))('a video with %s', (_name, entry) => {
  const { request, window, width, height } = entry;

  it('is a streamable MP4 of the requested size and length', async () => {
    const { video: file, generation } = of(entry);
    const { durationSeconds, streams, count } = await probe(file);
    expect(count).toBe(2);
    expect(streams['video']).toMatchObject({
      codec_name: 'h264',
      pix_fmt: 'yuv420p',
      width,
      height,
      avg_frame_rate: '24/1',
    });
    expect(streams['audio']).toMatchObject({ codec_name: 'aac', sample_rate: '48000' });
    expect(Math.abs(durationSeconds - request.durationSeconds)).toBeLessThan(0.2);
    expect(generation.result).toMatchObject({ width, height });
    const boxes = boxNames(await api.bytes(`/v1/generations/${generation.id}/video`));
    expect(boxes.indexOf('moov')).toBeGreaterThanOrEqual(0);
    expect(boxes.indexOf('moov')).toBeLessThan(boxes.indexOf('mdat'));
  });

  it('answers range requests, and refuses an unsatisfiable range', async () => {
    const { generation, video: file } = of(entry);
    const path = `/v1/generations/${generation.id}/video`;
    const part = await api.call(path, { headers: { range: 'bytes=100-299' } });
    expect({ status: part.status, range: part.headers.get('content-range') }).toEqual({
      status: 206,
      range: `bytes 100-299/${generation.result?.bytes ?? 0}`,
    });
    expect(Buffer.from(await part.arrayBuffer())).toEqual(readFileSync(file).subarray(100, 300));
    const beyond = await api.call(path, { headers: { range: 'bytes=999999999-' } });
    expect(beyond.status).toBe(416);
    expect(beyond.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(beyond.headers.get('content-range')).toBe(`bytes */${generation.result?.bytes ?? 0}`);
    expect(await beyond.json()).toMatchObject({ code: 'RANGE_NOT_SATISFIABLE' });
  });

  it('shows the scenes in plan order', async () => {
    const { plan, video: file, clips } = of(entry);
    const size = [64, 64] as const;
    for (const second of [0.6, 2.4]) {
      const raw = await Promise.all(clips.map((clip) => frameAt(clip, second, ...size)));
      let start = 0;
      for (const { index, durationSeconds } of plan.scenes) {
        const shown = await frameAt(file, start + second, ...size);
        const distances = raw.map((frame) => distance(shown, frame));
        const nearest = distances.indexOf(Math.min(...distances));
        expect({ scene: index, second, nearest }).toEqual({ scene: index, second, nearest: index });
        start += durationSeconds;
      }
      expect(start).toBe(request.durationSeconds);
    }
  });

  it('has a thumbnail that is a well exposed frame of one of its scenes', async () => {
    const { generation, video: file, plan } = of(entry);
    const picture = join(files, `${generation.id}.jpg`);
    writeFileSync(picture, await api.bytes(`/v1/generations/${generation.id}/thumbnail`));
    const thumbnail = await frameAt(picture, 0, 96, 96);
    const shown = meanLuma(thumbnail);
    expect(shown).toBeGreaterThan(40);
    expect(shown).toBeLessThan(220);
    const seconds = Array.from({ length: plan.durationSeconds }, (_, second) => second + 0.5);
    const distances = await Promise.all(
      seconds.map(async (second) => distance(thumbnail, await frameAt(file, second, 96, 96))),
    );
    expect(Math.min(...distances)).toBeLessThan(NEARLY_EQUAL);
  });

  it('costs what the provider charged, with one prediction per scene', async () => {
    const { generation } = of(entry);
    const invoice = await sandbox.invoice();
    const bought = new Set(generation.scenes.map(({ predictionId }) => predictionId));
    const own = invoice.predictions.filter(({ id }) => bought.has(id));
    expect(own).toHaveLength(request.sceneCount);
    const ledger = await api.cost(generation.id);
    for (const { id, amountUsd } of own) {
      expect(ledger.entries.filter(({ key }) => key === `prediction:${id}`)).toMatchObject([{ amountUsd }]);
    }
    const completion = ledger.entries.filter(({ key }) => key.startsWith('completion:'));
    expect(completion).toHaveLength(1);
    expect(invoice.completions.find(({ id }) => `completion:${id}` === completion[0]?.key)?.amountUsd).toBe(
      completion[0]?.amountUsd,
    );
    expect(generation.costUsd).toBeCloseTo(ledger.totalUsd, 9);
  });

  it('emits its events in order, and replays them from any point', async () => {
    const { generation, events } = of(entry);
    const ids = events.map(({ id }) => id);
    expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b));
    const at = (name: string, scene?: number): number =>
      events.findIndex((event) => event.name === name && (scene === undefined || event.data['scene'] === scene));
    expect(at('plan.started')).toBeGreaterThanOrEqual(0);
    expect(at('plan.written')).toBeGreaterThan(at('plan.started'));
    for (const { index } of generation.scenes) {
      const steps = [
        at('plan.written'),
        at('clip.generated', index),
        at('overlay.applied', index),
        at('video.stitched'),
      ];
      expect(steps).not.toContain(-1);
      expect(steps).toEqual(steps.toSorted((a, b) => a - b));
    }
    expect(events.at(-1)?.name).toBe('generation.succeeded');
    const progress = events
      .filter(({ name }) => name === 'generation.progressed')
      .map(({ data }) => Number(data['progress']));
    expect(new Set(progress).size).toBeGreaterThan(request.sceneCount);

    const half = Math.floor(events.length / 2);
    expect(await api.events(generation.id, 120_000, ids[half])).toEqual(events.slice(half + 1));
    expect(await api.events(generation.id, 120_000)).toEqual(events);
  });

  it('leaves one trace in which every step is the child of its cause', () => {
    const { generation, trace } = of(entry);
    const byId = new Map(trace.spans.map((span) => [span.id, span]));
    const lineage = (span: Span | undefined): string[] => {
      const names: string[] = [];
      for (let one = span; one !== undefined; one = one.parentId === undefined ? undefined : byId.get(one.parentId)) {
        names.push(`${one.service}: ${one.name}`);
      }
      return names;
    };
    const origin = [
      'planner: process plan.written',
      'planner: publish plan.written',
      'planner: process generation.plan',
      'planner: publish generation.plan',
    ];
    const toGateway = [...origin.slice(0, 3), 'gateway: publish generation.plan'];
    const toClip = ['clip-generator: process clip.generate', 'planner: publish clip.generate'];
    const roots = trace.spans.filter(({ parentId }) => parentId === undefined);
    expect(roots).toMatchObject([{ service: 'gateway', kind: 'server' }]);

    const clips = named(trace, 'process clip.generate', 'clip-generator');
    expect(clips.map((span) => span.attributes[KEYS.scene]).sort()).toEqual(
      generation.scenes.map(({ index }) => index),
    );
    for (const span of clips) {
      expect(lineage(span).slice(0, 2)).toEqual(toClip);
      expect(lineage(span).slice(-5, -1)).toEqual(toGateway);
    }
    const toOverlay = [
      'overlay: process overlay.apply',
      'planner: publish overlay.apply',
      'planner: process clip.generated',
      'clip-generator: publish clip.generated',
      ...toClip,
    ];
    const overlays = named(trace, 'process overlay.apply', 'overlay');
    expect(overlays).toHaveLength(request.sceneCount);
    for (const span of overlays) expect(lineage(span).slice(0, 6)).toEqual(toOverlay);

    const [stitch, ...others] = named(trace, 'process stitch.render', 'stitcher');
    expect(others).toEqual([]);
    const toStitch = [
      'stitcher: process stitch.render',
      'planner: publish stitch.render',
      'planner: process overlay.applied',
      'overlay: publish overlay.applied',
      ...toOverlay,
    ];
    expect(lineage(stitch).slice(0, toStitch.length)).toEqual(toStitch);
    const [command] = named(trace, 'publish stitch.render', 'planner');
    const linked = (command?.links ?? []).map((id) => byId.get(id));
    expect(linked.map((span) => `${span?.service ?? ''}: ${span?.name ?? ''}`)).toEqual(
      Array.from({ length: request.sceneCount - 1 }, () => 'planner: process overlay.applied'),
    );
    const causes = [...linked.map((span) => span?.id), command?.parentId];
    expect(new Set(causes).size).toBe(request.sceneCount);
  });

  it('has at most as many clips in flight as its window, and uses all of it', () => {
    expect(mostClipsAtOnce(of(entry).trace)).toBe(Math.min(window, request.sceneCount));
  });
});

describe('overlay texts', () => {
  const [, entry] = CASES;
  const shots = async (): Promise<{ withText: Frame; without: Frame; text: string; position: string }[]> => {
    const [texts, bare] = [of(entry!), of(BARE)];
    let start = 0;
    const all = [];
    for (const { durationSeconds, overlay } of texts.plan.scenes) {
      const second = start + durationSeconds * 0.7;
      const [withText, without] = await Promise.all([
        frameAt(texts.video, second, ...WIDE),
        frameAt(bare.video, second, ...WIDE),
      ]);
      all.push({ withText, without, text: overlay?.text ?? '', position: overlay?.position ?? '' });
      start += durationSeconds;
    }
    return all;
  };

  it('are at the position of the plan, and change nothing elsewhere', async () => {
    for (const { withText, without, position } of await shots()) {
      const differs = maskOf(
        withText,
        (index) => Math.abs((withText.luma[index] ?? 0) - (without.luma[index] ?? 0)) > 32,
      );
      const [top, bottom] = position === 'center' ? [0.35, 0.65] : position === 'top' ? [0.05, 0.4] : [0.6, 0.95];
      const area = { left: 64, right: 1216, top: 720 * top, bottom: 720 * bottom };
      const { inside, outside } = countBy(differs, area);
      expect(inside).toBeGreaterThan(2_000);
      expect(outside).toBeLessThan(50);
    }
  });

  it('belong to their scene', async () => {
    const all = await shots();
    const texts = [...new Set(all.map(({ text }) => text))];
    const drawn = await Promise.all(
      texts.map(async (text, index) => {
        const file = join(files, `text-${index}.txt`);
        writeFileSync(file, text);
        const frame = await drawnText(file, FONT, 56, ...WIDE);
        return maskOf(frame, (at) => (frame.luma[at] ?? 0) > 128);
      }),
    );
    for (const { withText, without, text } of all) {
      const isWhite = (at: number): boolean => (withText.luma[at] ?? 0) > 200;
      const differs = (at: number): boolean => (withText.luma[at] ?? 0) - (without.luma[at] ?? 0) > 40;
      const bright = withoutSpecks(maskOf(withText, (at) => isWhite(at) && differs(at)));
      expect(boxOf(bright)).toBeDefined();
      const alike = drawn.map((mask) => likeness(bright, mask));
      expect(texts[alike.indexOf(Math.max(...alike))]).toBe(text);
      expect(Math.max(...alike)).toBeGreaterThan(0.6);
    }
  });
});

it('all videos together cost the total of the invoice, to the micro-dollar', async () => {
  const micros = (usd: number): number => Math.round(usd * 1_000_000);
  const ids = [...made.values()].map(({ generation }) => generation.id);
  const { totalUsd, predictions } = await sandbox.invoice();
  expect(predictions).toHaveLength([...CASES, BARE].reduce((sum, { request }) => sum + request.sceneCount, 0));
  const totalMicros = await eventually('a ledger that equals the invoice', 120_000, async () => {
    const totals = await Promise.all(ids.map(async (id) => micros((await api.cost(id)).totalUsd)));
    const sum = totals.reduce((all, one) => all + one, 0);
    return sum === micros(totalUsd) ? sum : undefined;
  });
  expect(totalMicros).toBeGreaterThan(0);
});
