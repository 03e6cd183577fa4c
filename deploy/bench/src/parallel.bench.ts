import { ApiClient, LocalStack, SandboxClient } from '@clipmesh/deploy-e2e';
import { keep } from './results.js';

const SCENES = [3, 5, 7] as const;
/**
 * Every clip takes the same time, so that the ratio says what the pipeline does, not what the models do; a real model takes
 * three times as long and more.
 */
const CLIP_SECONDS = 10;
const MAKE_MS = 300_000;

interface Run {
  readonly makespanMs: number;
  readonly speedup: number;
}

/** One film, made with so many clips at once. */
async function make(api: ApiClient, scenes: number, maxWorkers: number): Promise<Run> {
  const id = await api.create({
    prompt: `A bench for ${scenes} people that folds into a bag.`,
    sceneCount: scenes,
    durationSeconds: Math.max(9, scenes * 3),
    aspectRatio: '16:9',
    parallel: { enabled: maxWorkers > 1, maxWorkers },
  });
  await api.succeeded(id, MAKE_MS);
  return api.performance(id);
}

/** Sequential against parallel, in one run, on one machine: MISSION A16. */
export async function benchParallel(): Promise<boolean> {
  const stack = await LocalStack.start({ env: { CLIP_CONCURRENCY: '8' } });
  const rows: Record<string, string | number>[] = [];
  try {
    const api = new ApiClient(stack.urls.gateway);
    await new SandboxClient(stack.urls.sandbox).scenario({ clipSeconds: { min: CLIP_SECONDS, max: CLIP_SECONDS } });
    // The first film pays for warming up.
    await make(api, 3, 4);
    for (const scenes of SCENES) {
      const sequential = await make(api, scenes, 1);
      const parallel = await make(api, scenes, 4);
      const ratio = sequential.makespanMs / parallel.makespanMs;
      const row = {
        scenes,
        'one after another': `${(sequential.makespanMs / 1000).toFixed(1)} s`,
        'four at once': `${(parallel.makespanMs / 1000).toFixed(1)} s`,
        'times faster': ratio.toFixed(2),
        'speed-up in the trace': parallel.speedup.toFixed(2),
      };
      console.log(JSON.stringify(row));
      rows.push(row);
    }
  } finally {
    await stack.stop();
  }
  await keep({ name: 'parallel', figures: { clipSeconds: CLIP_SECONDS }, rows });
  return true;
}
