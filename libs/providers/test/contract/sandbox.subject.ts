import { type Sandbox, type Scenario, startSandbox } from '@clipmesh/testing';
import { RETRY_AFTER_MS, type Play, type Run, type Subject } from './contract.subject.js';

const FAST = { clipSeconds: { min: 0.02, max: 0.05 } };
const PLAYS: Readonly<Record<Play, Scenario>> = {
  succeed: {},
  'run-on': { hold: [0] },
  wait: { queueSeconds: 3600 },
  limit: { rateLimit: { perMinute: 0.001, retryAfterSeconds: RETRY_AFTER_MS / 1000 } },
  'refuse-input': { rejectPrompts: 'forbidden' },
  'refuse-output': { rejectOutputs: { prompts: 'refused picture' } },
  break: { failEvery: 1 },
  expire: {},
};
export const PROMPTS: Readonly<Partial<Record<Play, string>>> = {
  break: 'a broken cup',
  'refuse-input': 'a forbidden cup',
  'refuse-output': 'a refused picture',
};

export type SandboxSubject = Pick<Subject, 'model' | 'guarantee' | 'features' | 'settings'> & {
  /** The scenario besides the play. */
  readonly scenario?: Scenario;
  /** Plays of the subject's own. */
  readonly plays?: Readonly<Partial<Record<Play, Scenario>>>;
};

/** An adapter, tested against the sandbox. */
export function sandboxSubject({ scenario = {}, plays = {}, ...adapter }: SandboxSubject): Subject {
  let sandbox: Sandbox;
  let current: Scenario = {};
  return {
    ...adapter,
    async start() {
      sandbox = await startSandbox();
    },
    stop: () => sandbox.stop(),
    origin: () => sandbox.url,
    async play(play) {
      current = { ...FAST, ...scenario, ...PLAYS[play], ...plays[play] };
      await sandbox.scenario(current);
      await sandbox.clearInvoice();
      return PROMPTS[play] ?? 'a cup on a table';
    },
    expire: () => sandbox.scenario({ ...current, expiredOutputs: true }),
    async runs() {
      const { predictions } = await sandbox.invoice();
      return predictions.map(({ status, amountUsd }) => ({
        status: status as Run['status'],
        amountMicros: Math.round(amountUsd * 1_000_000),
      }));
    },
  };
}
