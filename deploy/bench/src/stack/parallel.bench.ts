import { ApiClient, LocalStack, SandboxClient } from '@clipmesh/deploy-e2e';
import { keep } from '../results/results.js';

const SCENES = [3, 5, 7] as const;
/**
 * Every clip takes the same time, so that the ratio shows the pipeline and not the models. A real model takes at least three
 * times as long.
 */
const CLIP_SECONDS = 10;
/** Longest allowed time for all clips of one window, as a multiple of one clip. */
const MAX_STRETCH = 1.15;
const WINDOW = 4;
const MAKE_MS = 300_000;

interface Run {
  readonly makespanMs: number;
  readonly speedup: number;
  /** Time from the create of the first clip to the end of the last at the provider, as a multiple of one clip. */
  readonly stretch: number;
}

/** Makes one video with `maxWorkers` clips at once. */
async function make(api: ApiClient, sandbox: SandboxClient, scenes: number, maxWorkers: number): Promise<Run> {
  await sandbox.clearInvoice();
  const id = await api.create({
    prompt: `A bench for ${scenes} people that folds into a bag.`,
    sceneCount: scenes,
    durationSeconds: Math.max(9, scenes * 3),
    aspectRatio: '16:9',
    parallel: { enabled: maxWorkers > 1, maxWorkers },
  });
  await api.succeeded(id, MAKE_MS);
  const { predictions } = await sandbox.invoice();
  const time = (field: string): number[] => predictions.map((prediction) => Date.parse(String(prediction[field])));
  const stretchMs = Math.max(...time('completedAt')) - Math.min(...time('createdAt'));
  return { ...(await api.performance(id)), stretch: stretchMs / 1000 / CLIP_SECONDS };
}

/** Compares clips in sequence with clips in parallel, in one run on one machine. */
export async function benchParallel(): Promise<boolean> {
  const stack = await LocalStack.start({ env: { CLIP_CONCURRENCY: '8' } });
  const rows: Record<string, string | number>[] = [];
  let good = true;
  try {
    const api = new ApiClient(stack.urls.gateway);
    const sandbox = new SandboxClient(stack.urls.sandbox);
    await sandbox.scenario({ clipSeconds: { min: CLIP_SECONDS, max: CLIP_SECONDS } });
    // The first video warms the stack up.
    await make(api, sandbox, 3, WINDOW);
    for (const scenes of SCENES) {
      const sequential = await make(api, sandbox, scenes, 1);
      const parallel = await make(api, sandbox, scenes, WINDOW);
      if (scenes <= WINDOW) good = good && parallel.stretch < MAX_STRETCH;
      const ratio = sequential.makespanMs / parallel.makespanMs;
      const row = {
        scenes,
        'one after another': `${(sequential.makespanMs / 1000).toFixed(1)} s`,
        'four at once': `${(parallel.makespanMs / 1000).toFixed(1)} s`,
        'times faster': ratio.toFixed(2),
        'clips took, in times of one': parallel.stretch.toFixed(2),
        'speed-up in the trace': parallel.speedup.toFixed(2),
      };
      console.log(JSON.stringify(row));
      rows.push(row);
    }
  } finally {
    await stack.stop();
  }
  await keep({ name: 'parallel', figures: { clipSeconds: CLIP_SECONDS }, rows });
  return good;
}
