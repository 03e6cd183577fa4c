import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { createGenerationSchema, type CreateGenerationInput, DURATION_SECONDS, SCENE_COUNT } from '@clipmesh/contracts';

export const SERVICES = ['gateway', 'planner', 'clip-generator', 'overlay', 'stitcher', 'cost'] as const;
export type ServiceName = (typeof SERVICES)[number];
export type Scale = Readonly<Record<ServiceName, number>>;
const MOST_REPLICAS = 16;

/** The command line is wrong. The message is one sentence for the user. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The user requested help. The message is the help text. */
export class HelpRequested extends Error {
  override readonly name = 'HelpRequested';
}

/** An option in the order of the help: name, value (empty: a switch), meaning. */
type Option = readonly [name: string, takes: string, meaning: string];
const DATA: Option = ['data', 'DIR', 'folder of the stack: records, media, logs and pids. Default: .clipmesh'];
const UP: readonly Option[] = [
  ['scale', 'SERVICE=N', 'replicas of a service, for example clip-generator=3; repeatable'],
  ['port', 'N', 'port of the gateway. Default: 8080'],
  DATA,
  ['jaeger', '', 'also start a Jaeger that receives all traces; the first time it may have to be built'],
];
const DEMO: readonly Option[] = [
  ['prompt', 'TEXT', 'what the video is about, 10-5000 characters'],
  ['duration', 'SECONDS', 'length of the video, 9-60. Default: 15'],
  ['scenes', 'N', 'number of scenes. Default: as many as the framework of the ad has'],
  ['aspect', 'W:H', '9:16, 16:9 or 1:1. Default: 9:16'],
  ['workers', 'N', 'clips in flight at once, 1-12; 1: in sequence. Default: MAX_PARALLEL_VIDEO_WORKERS'],
  ['out', 'FILE', 'file of the video; the report is written beside it. Default: out/demo.mp4'],
  ['port', 'N', 'port of the gateway. Default: any free port'],
  DATA,
];

function help(command: string, does: string, options: readonly Option[]): string {
  const left = options.map(([name, takes]) => `--${name} ${takes}`.trimEnd());
  const width = Math.max(...left.map(({ length }) => length));
  const lines = options.map(([, , meaning], index) => `  ${(left[index] ?? '').padEnd(width)}  ${meaning}`);
  return [`npm run ${command} -- [options]`, '', does, '', ...lines].join('\n');
}
const UP_HELP = help('up', 'Runs the local stack until Ctrl-C. A second Ctrl-C kills it.', UP);
const DEMO_HELP = help('demo', 'Makes one video with its own local stack, and prints how long each stage took.', DEMO);

export interface UpArguments {
  readonly port: number;
  readonly dataDir: string;
  readonly scale: Scale;
  /** Starts a Jaeger and sends the traces there too. */
  readonly jaeger: boolean;
}
export interface DemoArguments {
  /** Undefined: any free port. */
  readonly port: number | undefined;
  readonly dataDir: string;
  readonly request: CreateGenerationInput;
  /** File of the video. */
  readonly out: string;
  /** File of the report, beside the video. */
  readonly report: string;
}
export interface ArgumentDefaults {
  readonly dataDir: string;
  readonly port: number;
  readonly cwd: string;
}

const DEMO_PROMPT =
  'A reusable water bottle that keeps drinks cold for a whole day, for people who hike, bold and optimistic';

function read(args: readonly string[], known: readonly Option[], helpText: string): Map<string, readonly string[]> {
  const names = known.map(([name]) => name);
  const options = Object.fromEntries(
    known.map(([name, takes]) => [name, { type: takes === '' ? 'boolean' : 'string', multiple: true } as const]),
  );
  if (args.some((arg) => arg === '--help' || arg === '-h')) throw new HelpRequested(helpText);
  const values = new Map<string, readonly string[]>();
  try {
    const parsed = parseArgs({ args: [...args], options, strict: true, allowPositionals: false });
    for (const [name, value] of Object.entries(parsed.values)) values.set(name, value?.map(String) ?? []);
  } catch (error) {
    const reason = error instanceof Error ? (error.message.split('. ')[0] ?? '') : String(error);
    throw new UsageError(
      `${reason.replace(/\.$/, '')}; the options are ${names.map((name) => `--${name}`).join(', ')}.`,
    );
  }
  // An empty path would become the working folder. The API checks the length of a prompt.
  const empty = names.find((name) => name !== 'prompt' && values.get(name)?.some((value) => value.trim() === ''));
  if (empty !== undefined) throw new UsageError(`--${empty} takes a value.`);
  return values;
}

function whole(name: string, text: string | undefined, min: number, max: number): number | undefined {
  if (text === undefined) return undefined;
  const value = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new UsageError(`--${name} takes a whole number from ${min} to ${max}.`);
}

function parseScale(entries: readonly string[]): Scale {
  const scale: Record<ServiceName, number> = Object.fromEntries(SERVICES.map((name) => [name, 1])) as Record<
    ServiceName,
    number
  >;
  for (const entry of entries.flatMap((list) => list.split(','))) {
    const [name = '', count, ...more] = entry.split('=');
    const service = SERVICES.find((known) => known !== 'gateway' && known === name);
    if (service === undefined || count === undefined || more.length > 0) {
      throw new UsageError(
        `--scale takes SERVICE=N, for example clip-generator=3; the services are ${SERVICES.slice(1).join(', ')}.`,
      );
    }
    scale[service] = whole(`scale ${service}`, count, 1, MOST_REPLICAS) ?? 1;
  }
  return scale;
}

/** Options of `up`. Throws {@link UsageError}. */
export function parseUp(args: readonly string[], defaults: ArgumentDefaults): UpArguments {
  const values = read(args, UP, UP_HELP);
  return {
    port: whole('port', values.get('port')?.at(-1), 1, 65_535) ?? defaults.port,
    dataDir: resolve(defaults.cwd, values.get('data')?.at(-1) ?? defaults.dataDir),
    scale: parseScale(values.get('scale') ?? []),
    jaeger: values.has('jaeger'),
  };
}

/** Options of `demo`, validated with the schema of the API before anything starts. Throws {@link UsageError}. */
export function parseDemo(args: readonly string[], defaults: ArgumentDefaults): DemoArguments {
  const values = read(args, DEMO, DEMO_HELP);
  const last = (name: string): string | undefined => values.get(name)?.at(-1);
  const duration = whole('duration', last('duration'), DURATION_SECONDS.min, DURATION_SECONDS.max);
  const scenes = whole('scenes', last('scenes'), SCENE_COUNT.min, SCENE_COUNT.max);
  const workers = whole('workers', last('workers'), 1, 12);
  const aspect = last('aspect');
  const request = createGenerationSchema.safeParse({
    prompt: last('prompt') ?? DEMO_PROMPT,
    // The demo measures the work, so it does not use the cache.
    cache: false,
    ...(duration === undefined ? {} : { durationSeconds: duration }),
    ...(scenes === undefined ? {} : { sceneCount: scenes }),
    ...(aspect === undefined ? {} : { aspectRatio: aspect }),
    ...(workers === undefined ? {} : { parallel: { enabled: workers > 1, maxWorkers: workers } }),
  });
  if (!request.success) {
    const options: Record<string, string> = {
      prompt: 'prompt',
      durationSeconds: 'duration',
      sceneCount: 'scenes',
      aspectRatio: 'aspect',
    };
    const [issue] = request.error.issues;
    const field = String(issue?.path[0] ?? '');
    throw new UsageError(`--${options[field] ?? field}: ${issue?.message ?? 'not valid'}.`);
  }
  const out = resolve(defaults.cwd, last('out') ?? 'out/demo.mp4');
  return {
    port: whole('port', last('port'), 1, 65_535),
    dataDir: resolve(defaults.cwd, last('data') ?? defaults.dataDir),
    request: request.data,
    out,
    report: `${out.replace(/\.mp4$/i, '')}.report.json`,
  };
}
