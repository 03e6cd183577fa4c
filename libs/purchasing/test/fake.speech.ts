import { writeFile } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { type Artifact, type Charge, ClipmeshError } from '@clipmesh/contracts';
import { type Clock } from '@clipmesh/messaging';
import { createMemoryStores } from '@clipmesh/persistence';
import { type SpeechModel, type SpokenFile, type SpokenWork } from '@clipmesh/providers';
import { type SpeechDeps, type SpeechOrder } from '../src/speech/speech.deps.js';
import { cacheOf, idOf } from './fake.cache.js';

export const order: SpeechOrder = {
  generationId: idOf(1),
  scene: 2,
  attempt: 1,
  request: { text: 'The kettle sings.', voice: 'alloy' },
};
const QUOTE = 900;

type Failure =
  /** The provider takes the call and its answer is lost. */
  | 'lose reply'
  | 'late'
  | 'rate limit'
  | 'refuse'
  /** The call is charged, and its answer is not audio. */
  | 'bad answer'
  | 'full store'
  /** The file is not the speech of its text. */
  | 'bad file'
  /** ffmpeg cannot run. */
  | 'no memory';

/** A provider of speech, with everything that a purchase needs, in memory. Each failure happens once. */
export class FakeSpeech {
  failures: Failure[] = [];
  /** Keys of the calls that the provider charged. */
  readonly charged: string[] = [];
  calls = 0;
  verified = 0;
  files = 0;
  canceled = false;
  /** Files that were lost or damaged. */
  readonly damaged = new Set<string>();
  nowMs = Date.parse('2026-01-02T03:04:05.000Z');
  /** True: time passes while somebody waits. False: it stands still. */
  passes = false;
  /** Runs at the start of each call. */
  onCall: () => Promise<void> = () => Promise.resolve();
  private readonly stores = createMemoryStores();

  private takes(failure: Failure): boolean {
    const found = this.failures.indexOf(failure);
    if (found >= 0) this.failures.splice(found, 1);
    return found >= 0;
  }

  readonly clock: Clock = {
    now: () => this.nowMs,
    sleep: async (ms, signal) => {
      await setImmediate();
      signal?.throwIfAborted();
      if (this.passes) this.nowMs += ms;
    },
  };

  model: SpeechModel = {
    name: 'shop',
    model: 'voice-1',
    guarantee: 'at_most_once_more',
    cacheInput: (request) => ({ ...request }),
    quote: () => ({ sku: 'minute', micros: QUOTE }),
    charge: (work) => chargeFor(work),
    speak: async (request, { key, file, beforeSend }): Promise<SpokenFile> => {
      await beforeSend?.();
      this.calls += 1;
      await this.onCall();
      if (this.takes('rate limit')) throw new ClipmeshError('PROVIDER_RATE_LIMITED', '429', { retryAfterMs: 7 });
      if (this.takes('refuse')) throw new ClipmeshError('PREDICTION_REFUSED', 'no');
      this.charged.push(key);
      if (this.takes('lose reply')) throw new ClipmeshError('PROVIDER_UNAVAILABLE', 'reset');
      if (this.takes('late')) throw new ClipmeshError('PROVIDER_TIMEOUT', 'late');
      if (this.takes('bad answer')) {
        const charges = [chargeFor({ key, request, outcome: 'failed' })];
        throw new ClipmeshError('PROVIDER_BAD_ANSWER', 'a page', { charges });
      }
      await writeFile(file, request.text);
      const words = [{ word: 'The', startSeconds: 0, endSeconds: 0.2 }];
      return { bytes: 1, contentType: 'audio/wav', words };
    },
  };

  /** Fresh dependencies on the same stores. */
  deps(scratch: SpeechDeps['scratch'], change: Partial<SpeechDeps> = {}): SpeechDeps {
    return {
      model: this.model,
      purchases: this.stores.purchases,
      cache: cacheOf(this.stores.cache, () => undefined),
      scratch,
      artifacts: {
        put: () => {
          if (this.takes('full store')) return Promise.reject(new ClipmeshError('STORE_UNAVAILABLE', 'full'));
          this.files += 1;
          return Promise.resolve(artifactOf(this.files));
        },
        withFile: (_artifact, use) => use('/nowhere/speech'),
      },
      isIntact: ({ key }) => Promise.resolve(!this.damaged.has(key)),
      media: {
        verifySpeech: () => {
          this.verified += 1;
          if (this.takes('bad file')) return Promise.reject(new ClipmeshError('MEDIA_INVALID', 'it is silent'));
          if (this.takes('no memory')) return Promise.reject(new ClipmeshError('OUT_OF_MEMORY', 'killed'));
          return Promise.resolve({ durationSeconds: 2 });
        },
      },
      logger: { info: () => undefined, warn: () => undefined },
      clock: this.clock,
      callTimeoutMs: 60_000,
      unknownPurchases: 'rebuy',
      isCanceled: () => Promise.resolve(this.canceled),
      ...change,
    };
  }

  /** The purchases as `key: status`, by the last part of their key. */
  async statuses(generationId = order.generationId): Promise<string[]> {
    const all = await this.stores.purchases.list(generationId);
    return all.map(({ value }) => `${value.key.split('.').at(-1)}: ${value.status}`);
  }

  /** Forgets what the cache has. */
  async clearCache(): Promise<void> {
    for (const { value, revision } of await this.stores.cache.all())
      await this.stores.cache.remove(value.key, revision);
  }
}

const artifactOf = (n: number): Artifact => {
  const sha256 = n.toString(16).padStart(64, '0');
  return { key: `${sha256.slice(0, 2)}/${sha256}.wav`, sha256, bytes: 1, contentType: 'audio/wav' };
};

/** 15,000 micro-dollars a minute; unknown seconds cost the most. */
function chargeFor({ key, request, seconds, outcome }: SpokenWork): Charge {
  return {
    ...{ key: `speech:${key}`, kind: 'speech', stage: 'audio', provider: 'shop', model: 'voice-1' },
    ...{ quantity: request.text.length, unit: 'character', sku: 'minute', outcome },
    ...(seconds === undefined ? { amountMicros: QUOTE, assumed: true } : { amountMicros: seconds * 250 }),
  };
}
