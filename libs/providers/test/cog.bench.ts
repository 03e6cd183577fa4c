import { type Cog, findCog, until } from '@clipmesh/testing';
import { createCogProvider, type CogOptions } from '../src/cog/cog.provider.js';
import { type ClipRequest, loadModels, type OpenProvider } from '../src/index.js';

/** Ends a hang, ms. */
export const DEADLINE_MS = 120_000;
export const MODEL = 'cog/animatic';
export const program = await findCog();
export const never = new AbortController().signal;
export const waiting = { signal: never, timeoutMs: DEADLINE_MS };

const models = await loadModels();
let keys = 0;
/** A request with a purchase key of its own. */
export const requestOf = (prompt: string): ClipRequest => ({
  model: MODEL,
  prompt,
  durationSeconds: 1,
  aspectRatio: '16:9',
  seed: 7,
  attemptKey: `clip.gen_${'1'.repeat(32)}.0.${(keys += 1)}`,
});
export const operationOf = ({ attemptKey }: ClipRequest): { id: string; model: string } => ({
  id: attemptKey,
  model: MODEL,
});

/** The adapter for one server. The caller closes it. */
export const openCog = (url: string, more: Partial<CogOptions> = {}): OpenProvider =>
  createCogProvider({
    endpoints: [{ model: MODEL, url }],
    models,
    pollIntervalMs: 100,
    pollLogIntervalMs: DEADLINE_MS,
    callTimeoutMs: 30_000,
    runTimeoutMs: DEADLINE_MS,
    downloadTimeoutMs: DEADLINE_MS,
    downloadIdleTimeoutMs: DEADLINE_MS,
    readFile: () => Promise.resolve(Buffer.from('picture')),
    breaker: { failures: 5, openMs: 1000 },
    ...more,
  });

/** Waits until the server runs nothing. */
export const idle = (cog: Cog): Promise<unknown> =>
  until(async () => (await cog.status()) === 'READY', DEADLINE_MS, 'an idle server');

/** Sends two clips so that both pass the look for a free slot before either is sent. */
export async function sendTogether(
  shop: OpenProvider,
): Promise<{ requests: ClipRequest[]; sent: PromiseSettledResult<unknown>[] }> {
  const requests = [requestOf('sleep 60'), requestOf('sleep 60')];
  let release: () => void = () => undefined;
  const both = new Promise<void>((resolve) => (release = resolve));
  let waiters = 0;
  const meet = (): Promise<void> => {
    waiters += 1;
    if (waiters === 2) release();
    return both;
  };
  return { requests, sent: await Promise.allSettled(requests.map((request) => shop.submit(request, never, meet))) };
}
