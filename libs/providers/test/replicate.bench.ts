import { afterEach, beforeEach } from '@jest/globals';
import {
  type ClipRequest,
  createReplicateProvider,
  loadModels,
  type PurchaseFinding,
  type PurchaseSearch,
  type OpenProvider,
  type ReplicateOptions,
} from '../src/index.js';
import { type FakeAnswer, type FakeServer, openFake } from './fake.server.js';

export const request = {
  model: 'google/veo-3.1',
  prompt: 'a cup',
  durationSeconds: 6,
  aspectRatio: '9:16',
  seed: 7,
  attemptKey: 'k1',
} as const satisfies ClipRequest;
export const operation = { id: 'p', model: request.model };
/** A prediction that was just created. */
export const created = { id: 'p', status: 'starting', model: request.model };
export const never = new AbortController().signal;
export const oldest: PurchaseSearch['adopt'] = ([first]) => Promise.resolve(first);
export const idOf = (finding: PurchaseFinding): string | undefined =>
  finding.kind === 'found' ? finding.state.id : undefined;
const models = await loadModels();

/** A Replicate whose answers a test decides. Each case has its own. */
export interface FakeReplicate {
  readonly origin: string;
  /** Method and path of the calls, oldest first, and their bodies. */
  readonly calls: string[];
  readonly bodies: string[];
  answer: FakeAnswer;
  provider(more?: Partial<ReplicateOptions>): OpenProvider;
}

/** Opens the server before each case, and closes it after it. */
export function useReplicate(): FakeReplicate {
  let server: FakeServer;
  const fake = {
    origin: '',
    calls: [] as string[],
    bodies: [] as string[],
    answer: (() => undefined) as FakeAnswer,
    provider: (more: Partial<ReplicateOptions> = {}): OpenProvider =>
      createReplicateProvider({
        token: 't',
        models,
        baseUrl: `${fake.origin}/v1`,
        pollIntervalMs: 100,
        pollLogIntervalMs: 1000,
        downloadTimeoutMs: 120_000,
        downloadIdleTimeoutMs: 120_000,
        createsPerMinute: 6000,
        callsPerMinute: 6000,
        readFile: () => Promise.resolve(Buffer.from('picture')),
        ...more,
      }),
  };
  beforeEach(async () => {
    fake.calls = [];
    fake.bodies = [];
    server = await openFake((call, response) => {
      fake.calls.push(`${call.method} ${call.url}`);
      fake.bodies.push(call.body);
      fake.answer(call, response);
    });
    fake.origin = server.origin;
  });
  afterEach(() => server.close());
  return fake;
}
