import { resolve } from 'node:path';
import {
  ASPECT_RATIOS,
  createGenerationSchema,
  type CreateGenerationInput,
  DURATION_SECONDS,
  SCENE_COUNT,
} from '@clipmesh/contracts';
import { type Command, Option } from 'commander';
import { commandLine, readCommandLine, UsageError, valueOption, whole } from '../../command.line.mjs';

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
export interface DemoDefaults {
  readonly dataDir: string;
  readonly cwd: string;
}
interface Values {
  readonly prompt: string;
  readonly duration: number;
  readonly scenes?: number;
  readonly aspect: (typeof ASPECT_RATIOS)[number];
  readonly workers?: number;
  readonly model?: string;
  readonly draft?: true;
  readonly out: string;
  readonly port?: number;
  readonly data: string;
}

const PROMPT =
  'A reusable water bottle that keeps drinks cold for a whole day, for people who hike, bold and optimistic';
const MOST_WORKERS = 12;
/** Option of a field of the request. */
const FLAGS: Readonly<Record<string, string>> = { prompt: '--prompt', sceneCount: '--scenes', model: '--model' };
const range = ({ min, max }: { readonly min: number; readonly max: number }): string => `${min}-${max}`;

function demoCommand(dataDir: string): Command {
  const does = 'Makes one video with its own local stack, and prints how long each stage took.';
  // The API checks the length of a prompt.
  const prompt = valueOption('--prompt <TEXT>', 'what the video is about, 10-5000 characters', (text) => text);
  return commandLine('npm run demo --', does)
    .addOption(prompt.default(PROMPT, 'an ad for a water bottle'))
    .addOption(
      valueOption(
        '--duration <SECONDS>',
        `length of the video, ${range(DURATION_SECONDS)}`,
        whole(DURATION_SECONDS.min, DURATION_SECONDS.max),
      ).default(DURATION_SECONDS.default),
    )
    .addOption(
      valueOption(
        '--scenes <N>',
        `number of scenes, ${range(SCENE_COUNT)} (default: as many as the framework of the ad has)`,
        whole(SCENE_COUNT.min, SCENE_COUNT.max),
      ),
    )
    .addOption(new Option('--aspect <W:H>', 'aspect ratio').choices(ASPECT_RATIOS).default('9:16', '9:16'))
    .addOption(
      valueOption(
        '--workers <N>',
        `clips in flight at once, 1-${MOST_WORKERS}; 1: in sequence (default: MAX_PARALLEL_VIDEO_WORKERS)`,
        whole(1, MOST_WORKERS),
      ),
    )
    .addOption(valueOption('--model <ID>', 'first video model (default: the first of VIDEO_MODELS)', (id) => id))
    .addOption(new Option('--draft', 'make a draft of the video, without buying clips'))
    .addOption(
      valueOption('--out <FILE>', 'file of the video; the report is written beside it').default(
        'out/demo.mp4',
        'out/demo.mp4',
      ),
    )
    .addOption(valueOption('--port <N>', 'port of the gateway, 1-65535 (default: any free port)', whole(1, 65_535)))
    .addOption(
      valueOption('--data <DIR>', 'folder of the stack: records, media, logs and pids').default(dataDir, dataDir),
    );
}

/**
 * Arguments of `demo`, validated with the schema of the API before anything starts. Throws a `UsageError` or
 * `HelpRequested`.
 */
export function parseDemo(args: readonly string[], { dataDir, cwd }: DemoDefaults): DemoArguments {
  const { prompt, duration, scenes, aspect, workers, model, draft, port, ...paths } = readCommandLine<Values>(
    demoCommand(dataDir),
    args,
  );
  const request = createGenerationSchema.safeParse({
    prompt,
    durationSeconds: duration,
    aspectRatio: aspect,
    // The demo measures the work, so it does not use the cache.
    cache: false,
    // Where nobody can speak, the video is made without a voice.
    voiceover: {},
    ...(scenes === undefined ? {} : { sceneCount: scenes }),
    ...(model === undefined ? {} : { model }),
    ...(draft === true ? { mode: 'draft' } : {}),
    ...(workers === undefined ? {} : { parallel: { enabled: workers > 1, maxWorkers: workers } }),
  });
  if (!request.success) {
    const [issue] = request.error.issues;
    const field = String(issue?.path[0] ?? '');
    throw new UsageError(`${FLAGS[field] ?? field}: ${issue?.message ?? 'not valid'}.`);
  }
  const out = resolve(cwd, paths.out);
  return {
    port,
    dataDir: resolve(cwd, paths.data),
    request: request.data,
    out,
    report: `${out.replace(/\.mp4$/i, '')}.report.json`,
  };
}
