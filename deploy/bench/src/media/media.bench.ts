import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { encodeProfile, overlayTextSchema, transitionFrames } from '@clipmesh/contracts';
import { type JoinInput, Media } from '@clipmesh/media';
import { ATTR } from '@clipmesh/tracing';
import { trace } from '@opentelemetry/api';
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import { median } from '../results/median.js';
import { keep, ROOT } from '../results/results.js';
import { copyJoinArgs, ffmpeg, singlePassArgs } from './single.pass.js';

const RUN_MS = 1_800_000;
const IDLE_MS = 120_000;
const ROUNDS = 3;
const SCENES = 8;
const SECONDS = 5;
const THREADS = 2;
/** Most that overlay and join may take of the CPU of one command that does the same. */
const CPU_LIMIT = 1.05;
/** Most that the time after the last overlay may take of a join by copy. */
const TAIL_LIMIT = 1.2;
const TEXT = 'Folds into a bag';
const FONT = createRequire(join(ROOT, 'libs/media/package.json')).resolve('dejavu-fonts-ttf/ttf/DejaVuSans-Bold.ttf');
const profile = encodeProfile('9:16');
const FADE = transitionFrames(profile);

/** What one way of making the video took. */
interface Measured {
  readonly cpuMs: number;
  /** From the last overlay to the finished video. */
  readonly tailMs: number;
  /** Frames that were encoded. */
  readonly encoded: number;
  /** Frames that were copied. */
  readonly copied: number;
}

class Bench {
  private readonly spans = new InMemorySpanExporter();
  private readonly signal = AbortSignal.timeout(RUN_MS);
  private readonly media: Media;
  constructor(private readonly folder: string) {
    trace.setGlobalTracerProvider(new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(this.spans)] }));
    const tempDir = join(folder, 'tmp');
    this.media = new Media({ threads: THREADS, maxProcesses: 2, idleTimeoutMs: IDLE_MS, tempDir });
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  get clips(): string[] {
    return Array.from({ length: SCENES }, (_, index) => this.path(`clip-${index}.mp4`));
  }

  async draw(): Promise<void> {
    const { width, height } = profile;
    for (const [seed, output] of this.clips.entries())
      await this.media.render(
        { output, seed, label: 'x', durationSeconds: SECONDS + 1, width, height },
        { signal: this.signal },
      );
  }

  /** Makes the video as the services do: overlays with their transitions, then sound and join. */
  async make(fades: boolean): Promise<Measured> {
    this.spans.reset();
    const context = { signal: this.signal };
    const clips: JoinInput['clips'][number][] = [];
    for (const [index, file] of this.clips.entries()) {
      const scene = { file: this.path(`scene-${index}.mov`), durationSeconds: SECONDS };
      const frames = {
        ...(fades && index > 0 ? { leadFrames: FADE } : {}),
        ...(fades && index < SCENES - 1 ? { handleFrames: FADE } : {}),
      };
      const overlay = overlayTextSchema.parse({ text: TEXT });
      const thumbnail = this.path(`scene-${index}.jpg`);
      await this.media.overlay(
        { file, output: scene.file, durationSeconds: SECONDS, profile, overlay, thumbnail, ...frames },
        context,
      );
      const from = clips.at(-1);
      if (!fades || from === undefined) {
        clips.push(scene);
        continue;
      }
      const transition = this.path(`transition-${index}.mov`);
      await this.media.blend({ kind: 'crossfade', from, to: scene, profile, output: transition }, 'overlay', context);
      clips.push({ ...scene, transition });
    }
    const start = performance.now();
    const audio = this.path('sound.m4a');
    await this.media.mix({ scenes: clips, output: audio }, context);
    await this.media.join({ clips, profile, audio, output: this.path('video.mp4') }, context);
    const tailMs = performance.now() - start;
    return { ...this.figures(), tailMs };
  }

  private figures(): Omit<Measured, 'tailMs'> {
    const spans = this.spans.getFinishedSpans();
    const sum = (names: readonly string[], attribute: string): number =>
      spans
        .filter(({ name }) => names.includes(name))
        .reduce((total, { attributes }) => total + Number(attributes[attribute] ?? 0), 0);
    const all = [...new Set(spans.map(({ name }) => name))];
    return {
      cpuMs: sum(all, ATTR.cpuMs),
      encoded: sum(['ffmpeg overlay', 'ffmpeg transition'], ATTR.frames),
      copied: sum(['ffmpeg join'], ATTR.frames),
    };
  }

  /** One command that makes the same video, and ffmpeg's own join by copy of the scenes. */
  async reference(fadeFrames: number): Promise<{ cpuMs: number; joinMs: number }> {
    const output = this.path('reference.mp4');
    const input = { clips: this.clips, seconds: SECONDS, profile, fadeFrames, fontFile: FONT, text: TEXT };
    const { cpuMs } = await ffmpeg(singlePassArgs({ ...input, threads: THREADS, output }));
    const scenes = this.clips.map((_, index) => `file '${this.path(`scene-${index}.mov`)}'`);
    await writeFile(this.path('list.txt'), `${scenes.join('\n')}\n`);
    const { wallMs: joinMs } = await ffmpeg(copyJoinArgs(this.path('list.txt'), this.path('copied.mp4')));
    return { cpuMs, joinMs };
  }
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;

/** Overlay and join against one ffmpeg command that does the same, and the tail against a join by copy. */
export async function benchMedia(): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'clipmesh-media-'));
  const bench = new Bench(folder);
  try {
    await bench.draw();
    const rows = [];
    let isGood = true;
    for (const [name, fades] of [
      ['cuts', false],
      ['cross-fades', true],
    ] as const) {
      const rounds = [];
      for (let round = 0; round < ROUNDS; round += 1)
        rounds.push({ own: await bench.make(fades), other: await bench.reference(fades ? FADE : 0) });
      const cpu = median(rounds.map(({ own, other }) => own.cpuMs / other.cpuMs));
      const tail = median(rounds.map(({ own, other }) => own.tailMs / other.joinMs));
      const [{ own }] = rounds as [(typeof rounds)[number]];
      const planned = SCENES * SECONDS * profile.fps;
      const expected = planned + (fades ? 2 * FADE * (SCENES - 1) : 0);
      isGood &&= cpu <= CPU_LIMIT && tail <= TAIL_LIMIT && own.encoded === expected && own.copied === planned;
      rows.push({
        [`${SCENES} scenes of ${SECONDS} s with`]: name,
        'CPU of overlay and join': seconds(median(rounds.map((one) => one.own.cpuMs))),
        'one ffmpeg command': seconds(median(rounds.map((one) => one.other.cpuMs))),
        ratio: cpu.toFixed(2),
        'after the last overlay': seconds(median(rounds.map((one) => one.own.tailMs))),
        "ffmpeg's join by copy": seconds(median(rounds.map((one) => one.other.joinMs))),
        'tail ratio': tail.toFixed(2),
        'frames encoded': `${own.encoded} of ${expected}`,
        'frames copied': own.copied,
      });
    }
    console.table(rows);
    await keep({ name: 'media', rows, figures: { cpuLimit: CPU_LIMIT, tailLimit: TAIL_LIMIT } });
    return isGood;
  } finally {
    trace.disable();
    await rm(folder, { recursive: true, force: true });
  }
}
