import { setTimeout as delay } from 'node:timers/promises';
import { ClipmeshError } from '@clipmesh/contracts';
import { type Operation, type PredictionState } from '../ports.js';
import { endOf } from './cog.answer.js';
import { callCog } from './cog.http.js';
import { CogRuns } from './cog.runs.js';
import { type CogServers, pathOf } from './cog.servers.js';
import { type CogWay } from './cog.way.js';

export interface HeldOptions {
  /** A prediction is canceled after this time, ms. */
  readonly runTimeoutMs: number;
  readonly maxDownloadBytes: number;
}

const LOOK_GAP_MS = 50;
const LONGEST_LOOK_GAP_MS = 1000;
const CANCEL_TIMEOUT_MS = 10_000;
const RECHECK_MS = 200;

/**
 * Holds the call of each prediction until its answer, which has the clip. The prediction ends with the call: nobody else gets its
 * answer, and when this process dies, the server cancels it.
 */
export function heldCalls(servers: CogServers, { runTimeoutMs, maxDownloadBytes }: HeldOptions): CogWay {
  const runs = new CogRuns();

  /** Sends the prediction, and resolves when the server runs it or has answered. Throws when it refuses it. */
  const start: CogWay['start'] = async ({ model, attemptKey: id }, input, limit) => {
    const url = servers.urlOf(model, pathOf(id));
    const held = AbortSignal.timeout(runTimeoutMs);
    const maxBytes = Math.ceil(maxDownloadBytes * 1.4);
    const answer = callCog({ method: 'PUT', url, body: { input }, signal: held, maxBytes });
    const run = runs.hold(
      id,
      model,
      answer.then((reply) => endOf({ id, model }, reply, input)),
    );
    for (let gapMs = LOOK_GAP_MS; ; gapMs = Math.min(gapMs * 2, LONGEST_LOOK_GAP_MS)) {
      await Promise.race([run.ended, delay(gapMs)]);
      if (run.refusal !== undefined) throw run.refusal;
      if (run.state.status !== 'processing' || (await servers.runsNow({ id, model }, limit).catch(() => false)))
        return run.state;
      if (limit.aborted)
        throw new ClipmeshError('PROVIDER_UNAVAILABLE', `the Cog server of ${model} did not confirm the prediction`);
    }
  };

  async function get({ id, model }: Operation, signal: AbortSignal): Promise<PredictionState> {
    const run = runs.get(id);
    if (run !== undefined) return run.state;
    // Another process holds its answer, or held it and died.
    if (await servers.runsNow({ id, model }, signal)) return { id, model, status: 'processing' };
    throw new ClipmeshError('PROVIDER_BAD_INPUT', `the Cog server of ${model} does not run prediction ${id}`);
  }

  return {
    start,
    get,
    nudge: (id, onNudge) => runs.onEnd(id, onNudge),
    async find({ request: { attemptKey: id, model } }, signal) {
      const state = runs.get(id)?.state;
      if (state !== undefined) return { kind: 'found', state };
      const isRunning = await servers.runsNow({ id, model }, signal);
      return isRunning ? { kind: 'found', state: { id, model, status: 'processing' } } : { kind: 'unknowable' };
    },
    async cancel(operation) {
      const { id, model } = operation;
      const limit = AbortSignal.timeout(CANCEL_TIMEOUT_MS);
      const late = (): ClipmeshError =>
        new ClipmeshError('PROVIDER_TIMEOUT', `prediction ${id} did not end within ${CANCEL_TIMEOUT_MS} ms`);
      const run = runs.get(id);
      /** It ran at least until then. Only the process that holds its answer learns for how long. */
      let startedAt: string | undefined;
      for (;;) {
        if (run !== undefined && run.state.status !== 'processing') return run.state;
        if (limit.aborted) throw late();
        const isRunning = await servers.cancel(operation, limit);
        if (run === undefined && !isRunning)
          return startedAt === undefined ? get(operation, limit) : { id, model, status: 'canceled', startedAt };
        startedAt ??= new Date().toISOString();
        await Promise.race([delay(RECHECK_MS), ...(run === undefined ? [] : [run.ended])]);
      }
    },
  };
}
