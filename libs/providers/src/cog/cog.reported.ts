import { setTimeout as delay } from 'node:timers/promises';
import { ClipmeshError } from '@clipmesh/contracts';
import { z } from 'zod';
import { isFinal } from '../prediction/prediction.outcome.js';
import { type NudgeSource, type Operation, type PredictionState } from '../ports.js';
import { endOf } from './cog.answer.js';
import { type CogServers, pathOf } from './cog.servers.js';
import { type CogWay } from './cog.way.js';

/** How the reports of Cog servers reach Clipmesh. */
export interface CogReports {
  /** The webhook address of a purchase. */
  readonly addressOf: (purchaseKey: string) => string;
  /** The stored report of a purchase; undefined: none. */
  readonly read: (purchaseKey: string) => Promise<unknown>;
  /** Wakes a wait when a report was stored. */
  readonly nudge: NudgeSource;
  /** The report of a prediction that does not run is awaited for this long, ms. */
  readonly timeoutMs: number;
}

/** What this process knows of a prediction that it started or saw running. */
interface Seen {
  readonly startedAt: string;
  readonly input: unknown;
}

const RECHECK_MS = 500;
const CANCEL_TIMEOUT_MS = 10_000;
/** Predictions that are remembered, at most. */
const MAX_SEEN = 1000;
const idSchema = z.object({ id: z.string() });

/**
 * Starts predictions that run without a connection. At its end, the server reports the answer, with the clip, to the gateway, which
 * stores it: it outlives this process. The server repeats a report for about 7 minutes, and forgets the prediction.
 */
export function reportedRuns(servers: CogServers, reports: CogReports): CogWay {
  const seen = new Map<string, Seen>();

  function see(id: string, input?: unknown): Seen {
    const known = seen.get(id) ?? { startedAt: new Date().toISOString(), input };
    seen.set(id, known);
    const oldest = seen.keys().next().value;
    if (seen.size > MAX_SEEN && oldest !== undefined) seen.delete(oldest);
    return known;
  }

  async function reportOf({ id, model }: Operation): Promise<PredictionState | undefined> {
    const body = await reports.read(id);
    if (body === undefined) return undefined;
    if (idSchema.safeParse(body).data?.id !== id)
      throw new ClipmeshError(
        'PROVIDER_BAD_ANSWER',
        `the report of the Cog server of ${model} is about another prediction`,
      );
    const state = endOf({ id, model }, { status: 200, body }, seen.get(id)?.input);
    if (state.gpuSeconds === undefined) return state;
    const endedMs = Date.now();
    const startedAt = new Date(endedMs - state.gpuSeconds * 1000).toISOString();
    return { ...state, startedAt, completedAt: new Date(endedMs).toISOString() };
  }

  /** Waits for a report that may be on its way: the server has forgotten the prediction when it sends it. */
  async function lateReport(operation: Operation, signal: AbortSignal): Promise<PredictionState | undefined> {
    const lastMs = Date.now() + reports.timeoutMs;
    for (;;) {
      const report = await reportOf(operation);
      if (report !== undefined || Date.now() >= lastMs) return report;
      await delay(RECHECK_MS, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) throw new ClipmeshError('CANCELED', `waiting for the report of ${operation.id} was canceled`);
    }
  }

  /** Undefined: the server does not run it, and reported nothing. */
  async function stateOf(operation: Operation, signal: AbortSignal): Promise<PredictionState | undefined> {
    const report = await reportOf(operation);
    if (report !== undefined) return report;
    if (!(await servers.runsNow(operation, signal))) return lateReport(operation, signal);
    const { id, model } = operation;
    return { id, model, status: 'processing', startedAt: see(id).startedAt };
  }

  const unknown = ({ id, model }: Operation): ClipmeshError =>
    new ClipmeshError(
      'PROVIDER_BAD_INPUT',
      `the Cog server of ${model} does not run prediction ${id}, and reported none`,
    );

  return {
    nudge: reports.nudge,
    async start({ model, attemptKey: id }, input, limit) {
      const answer = await servers.purchase(model, pathOf(id), limit, {
        method: 'PUT',
        headers: { prefer: 'respond-async' },
        body: { input, webhook: reports.addressOf(id), webhook_events_filter: ['completed'] },
      });
      if (answer.status === 202) return { id, model, status: 'processing', startedAt: see(id, input).startedAt };
      if (answer.status !== 200) return endOf({ id, model }, answer, input);
      throw new ClipmeshError(
        'PROVIDER_BAD_ANSWER',
        `the Cog server of ${model} does not run predictions asynchronously`,
      );
    },
    async get(operation, signal) {
      const state = await stateOf(operation, signal);
      if (state === undefined) throw unknown(operation);
      return state;
    },
    async find({ request: { attemptKey: id, model } }, signal) {
      const state = await stateOf({ id, model }, signal);
      return state === undefined ? { kind: 'unknowable' } : { kind: 'found', state };
    },
    async cancel(operation) {
      const { id } = operation;
      const known = await reportOf(operation);
      if (known !== undefined) return known;
      const limit = AbortSignal.timeout(CANCEL_TIMEOUT_MS);
      for (;;) {
        // When it does not run, its report may be on its way.
        await servers.cancel(operation, AbortSignal.timeout(CANCEL_TIMEOUT_MS));
        const state = await stateOf(operation, AbortSignal.timeout(CANCEL_TIMEOUT_MS + reports.timeoutMs));
        if (state === undefined) throw unknown(operation);
        if (isFinal(state)) return state;
        if (limit.aborted)
          throw new ClipmeshError('PROVIDER_TIMEOUT', `prediction ${id} did not end within ${CANCEL_TIMEOUT_MS} ms`);
        await delay(RECHECK_MS);
      }
    },
  };
}
