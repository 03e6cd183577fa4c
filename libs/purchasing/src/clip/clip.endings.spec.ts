import { chargesIn, type ModelTable } from '@clipmesh/billing';
import { type Charge, ClipmeshError, type DomainEvent } from '@clipmesh/contracts';
import { type ClipProvider, type Guarantee, type PredictionState } from '@clipmesh/providers';
import { SAMPLE_MODELS } from '@clipmesh/testing';
import { describe, expect, it } from '@jest/globals';
import { body, depsOf, FakeProvider, generationId, noAbort, soldBy } from '../../test/fake.provider.js';
import { cancelPurchases } from './clip.cancel.js';
import { type ClipDeps } from './clip.deps.js';
import { buyClip } from './clip.purchase.js';

/** What the provider answers: the fields of the final state, or that it does not know the prediction. */
type Answer = Partial<PredictionState> | 'unknown';
const RAN = { startedAt: '2026-01-01T00:00:00.000Z' };

const PROVIDERS = {
  replicate: { guarantee: 'never_twice', sku: { id: 'second', when: {}, per: 'second', micros: 100_000 } },
  fal: { guarantee: 'at_most_once_more', sku: { id: 'second', when: {}, per: 'second', micros: 100_000 } },
  cog: {
    guarantee: 'at_most_once_more',
    sku: { id: 'gpu', when: {}, per: 'gpu_second', micros: 500, gpuSeconds: { low: 0, high: 10 } },
  },
} as const satisfies Record<string, { guarantee: Guarantee; sku: object }>;
type Name = keyof typeof PROVIDERS;

const rejected = (code: ClipmeshError['code']): Promise<never> => Promise.reject(new ClipmeshError(code, code));

/** A purchase of 4 s, and how it ends. */
class Ending {
  readonly fake = new FakeProvider();
  readonly deps: ClipDeps;
  /** What the events and the errors reported, by key: what the ledger has. */
  readonly reported = new Map<string, Charge>();
  private wait: () => Promise<PredictionState> = () => rejected('PROVIDER_UNAVAILABLE');

  constructor(name: Name, answer: Answer) {
    const { guarantee, sku } = PROVIDERS[name];
    const reply = (id: string): Promise<PredictionState> =>
      answer === 'unknown' ? rejected('PROVIDER_BAD_INPUT') : Promise.resolve({ id, status: 'succeeded', ...answer });
    const provider: ClipProvider = {
      ...this.fake.provider,
      ...{ name, guarantee },
      wait: ({ id }) => (this.isEnding ? reply(id) : this.wait()),
      cancel: ({ id }) => reply(id),
    };
    const models: ModelTable = new Map([
      [body.model, { ...SAMPLE_MODELS.get(body.model)!, provider: name, skus: [sku] }],
    ]);
    this.fake.forgetful = guarantee === 'at_most_once_more';
    this.deps = { ...depsOf(this.fake), models, providers: soldBy(provider), unknownPurchases: 'fail' };
  }
  private isEnding = false;

  /** The prediction ends while the clip generator waits for it. */
  async ended(): Promise<void> {
    this.isEnding = true;
    await this.buy();
  }

  async timedOut(): Promise<void> {
    this.wait = () => rejected('PROVIDER_TIMEOUT');
    await this.buy();
  }

  /** The owner cancels while the prediction runs. */
  async canceled(): Promise<void> {
    await this.buy();
    await this.cancel();
  }

  /** The answer to the submit was lost, and a redelivery looks for the prediction. */
  async lost(): Promise<void> {
    this.fake.failures = ['lose request'];
    await this.buy();
    await this.buy();
  }

  /** The answer to the submit was lost, and the owner cancels. */
  async lostAndCanceled(): Promise<void> {
    this.fake.failures = ['lose request'];
    await this.buy();
    await this.cancel();
  }

  async purchase() {
    const [entry] = await this.deps.purchases.list(generationId);
    return entry!.value;
  }

  private buy(): Promise<void> {
    return this.report(() => buyClip(this.deps, body, noAbort));
  }

  private cancel(): Promise<void> {
    return this.report(() => cancelPurchases(this.deps, generationId, noAbort));
  }

  private async report(work: () => Promise<readonly { body: object }[]>): Promise<void> {
    const take = (charges: readonly Charge[]): void => {
      for (const charge of charges) if (!this.reported.has(charge.key)) this.reported.set(charge.key, charge);
    };
    try {
      for (const event of await work()) take((event.body as DomainEvent['body']).charges);
    } catch (error) {
      if (!(error instanceof ClipmeshError)) throw error;
      take(error.charges);
    }
  }
}

type Way = 'ended' | 'timedOut' | 'canceled' | 'lost' | 'lostAndCanceled';
/** Amounts of the entries of the first purchase; `assumed`: the first one says so. */
type Entries = readonly number[] | { readonly assumed: number };

describe('how a purchase ends, and which charge follows', () => {
  it.each<[Name, Way, string, Answer, Entries]>([
    ['replicate', 'ended', 'with its clip', { billedSeconds: 4, gpuSeconds: 2, ...RAN }, [400_000]],
    ['replicate', 'ended', 'with a longer clip than requested', { billedSeconds: 4.5, ...RAN }, [400_000, 50_000]],
    ['replicate', 'ended', 'with a failure', { status: 'failed', gpuSeconds: 2, ...RAN }, []],
    ['replicate', 'ended', 'with a refused output', { status: 'failed', billedSeconds: 4, ...RAN }, [400_000]],
    ['replicate', 'ended', 'canceled at the provider before its start', { status: 'canceled' }, []],
    ['replicate', 'ended', 'canceled at the provider while it ran', { status: 'canceled', ...RAN }, [400_000]],
    ['replicate', 'ended', 'with an id that the provider does not know', 'unknown', []],
    ['replicate', 'timedOut', 'before its start', { status: 'canceled' }, []],
    ['replicate', 'timedOut', 'while it ran', { status: 'canceled', ...RAN }, [400_000]],
    ['replicate', 'timedOut', 'with an id that the provider does not know', 'unknown', []],
    ['replicate', 'canceled', 'before its start', { status: 'canceled' }, []],
    ['replicate', 'canceled', 'while it ran', { status: 'canceled', ...RAN }, [400_000]],
    ['replicate', 'canceled', 'too late', { billedSeconds: 4, ...RAN }, [400_000]],
    ['replicate', 'canceled', 'with an id that the provider does not know', 'unknown', []],
    ['replicate', 'lostAndCanceled', 'and it was not made', 'unknown', []],
    ['fal', 'ended', 'with its clip', { ...RAN }, [400_000]],
    ['fal', 'ended', 'with a failure', { status: 'failed', ...RAN }, []],
    ['fal', 'ended', 'with a billed failure', { status: 'failed', billedSeconds: 4, ...RAN }, [400_000]],
    [
      'fal',
      'ended',
      'with a failure of which a part is billed',
      { status: 'failed', billedSeconds: 1 },
      [400_000, -300_000],
    ],
    ['fal', 'ended', 'canceled at the provider before its start', { status: 'canceled' }, []],
    ['fal', 'ended', 'canceled at the provider while it ran', { status: 'canceled', ...RAN }, [400_000]],
    ['fal', 'ended', 'with an id that the provider does not know', 'unknown', { assumed: 400_000 }],
    ['fal', 'timedOut', 'before its start', { status: 'canceled' }, []],
    ['fal', 'timedOut', 'while it ran', { status: 'canceled', ...RAN }, [400_000]],
    ['fal', 'timedOut', 'with an id that the provider does not know', 'unknown', { assumed: 400_000 }],
    ['fal', 'canceled', 'before its start', { status: 'canceled' }, []],
    ['fal', 'canceled', 'while it ran', { status: 'canceled', ...RAN }, [400_000]],
    ['fal', 'canceled', 'too late', { ...RAN }, [400_000]],
    ['fal', 'canceled', 'with an id that the provider does not know', 'unknown', { assumed: 400_000 }],
    ['fal', 'lost', 'and fal cannot say more', 'unknown', { assumed: 400_000 }],
    ['fal', 'lostAndCanceled', 'and fal cannot say more', 'unknown', { assumed: 400_000 }],
    ['cog', 'ended', 'with its clip', { gpuSeconds: 3, ...RAN }, [1500]],
    ['cog', 'ended', 'with its clip, but no computing time', { ...RAN }, { assumed: 20_000 }],
    ['cog', 'ended', 'with a failure', { status: 'failed', gpuSeconds: 2, ...RAN }, [1000]],
    ['cog', 'ended', 'without its answer: the connection broke', { status: 'failed', ...RAN }, { assumed: 20_000 }],
    ['cog', 'ended', 'without a connection to the server', { status: 'failed' }, []],
    ['cog', 'ended', 'with an id of a clip generator that died', 'unknown', { assumed: 20_000 }],
    ['cog', 'timedOut', 'while it ran', { status: 'canceled', gpuSeconds: 2, ...RAN }, [1000]],
    ['cog', 'timedOut', 'with an id of a clip generator that died', 'unknown', { assumed: 20_000 }],
    ['cog', 'canceled', 'by the process that waits', { status: 'canceled', gpuSeconds: 2, ...RAN }, [1000]],
    ['cog', 'canceled', 'by another process than waits', { status: 'canceled', ...RAN }, { assumed: 20_000 }],
    ['cog', 'canceled', 'with an id of a clip generator that died', 'unknown', { assumed: 20_000 }],
    ['cog', 'lost', 'and a server remembers nothing', 'unknown', { assumed: 20_000 }],
    ['cog', 'lostAndCanceled', 'and a server remembers nothing', 'unknown', { assumed: 20_000 }],
  ])('%s: %s, %s', async (name, way, _how, answer, entries) => {
    const ending = new Ending(name, answer);
    await ending[way]();
    const purchase = await ending.purchase();
    const charges = chargesIn(purchase);
    expect(['finished', 'failed', 'canceled']).toContain(purchase.status);
    expect(charges.map(({ amountMicros }) => amountMicros)).toEqual('assumed' in entries ? [entries.assumed] : entries);
    expect(charges[0]?.assumed).toBe('assumed' in entries ? true : undefined);
    // The ledger has the same, under the id that the provider's invoice would have.
    expect([...ending.reported.values()]).toEqual(charges);
    const id =
      purchase.predictionId === undefined
        ? undefined
        : `${name === 'replicate' ? '' : `${name}:`}${purchase.predictionId}`;
    for (const { key, adjusts = key } of charges)
      expect(adjusts).toBe(id === undefined ? `purchase:${purchase.key}` : `prediction:${id}`);
  });
});
