import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type Charge, type ClipmeshError } from '@clipmesh/contracts';
import { Espeak, Media } from '@clipmesh/media';
import { systemClock } from '@clipmesh/messaging';
import { createMemoryStores } from '@clipmesh/persistence';
import { createEspeakSpeechModel, createOpenAiSpeechModel, type SpeechModel } from '@clipmesh/providers';
import { type Sandbox, startSandbox, type TempFolder, tempFolder, until } from '@clipmesh/testing';
import { buySpeech, type BoughtSpeech, type SpeechDeps, type SpeechOrder } from '../src/index.js';
import { idOf } from './fake.cache.js';

/** Test timeout, ms. */
const DEADLINE_MS = 120_000;
const HELLO = 'The kettle sings at five in the morning, and nobody minds.';
const never = new AbortController().signal;
const installed = await new Espeak({ timeoutMs: DEADLINE_MS, maxProcesses: 1 })
  .version(AbortSignal.timeout(DEADLINE_MS))
  .catch(() => undefined);

let sandbox: Sandbox;
let folder: TempFolder;
let media: Media;
beforeAll(async () => {
  sandbox = await startSandbox();
  folder = await tempFolder('speech');
  media = new Media({ threads: 1, idleTimeoutMs: DEADLINE_MS, tempDir: join(folder.path, 'tmp'), maxProcesses: 2 });
});
afterAll(async () => {
  await sandbox.stop();
  await folder.remove();
});

const openai = (model: string): SpeechModel =>
  createOpenAiSpeechModel({
    ...{ apiKey: 'k', model, baseUrl: `${sandbox.url}/v1`, timeoutMs: DEADLINE_MS, maxBytes: 50_000_000 },
  });
const order = (scene: number, more: Partial<SpeechOrder['request']> = {}): SpeechOrder => ({
  ...{ generationId: idOf(1), scene, attempt: 1, cache: false },
  request: { text: HELLO, ...more },
});

/** Buys from the model with real ffmpeg, a folder for files and records in memory. */
function buyerOf(
  model: SpeechModel,
  { purchases } = createMemoryStores(),
): (order: SpeechOrder, signal?: AbortSignal) => Promise<BoughtSpeech> {
  let files = 0;
  const deps: SpeechDeps = {
    ...{ model, purchases, media, cache: undefined, clock: systemClock, callTimeoutMs: DEADLINE_MS },
    artifacts: {
      put: async (source, { contentType }) => {
        files += 1;
        const sha256 = files.toString(16).padStart(64, '0');
        await writeFile(join(folder.path, sha256), await readFile(source as string));
        return { key: `00/${sha256}.wav`, sha256, bytes: 1, contentType };
      },
      withFile: ({ key }, use) => use(join(folder.path, key.slice(3, 67))),
    },
    isIntact: () => Promise.resolve(true),
    scratch: {
      directory: folder.path,
      withFolder: async (use) => {
        const scratch = await tempFolder('scratch');
        try {
          return await use(scratch.path);
        } finally {
          await scratch.remove();
        }
      },
    },
    logger: { info: () => undefined, warn: () => undefined },
    unknownPurchases: 'rebuy',
    isCanceled: () => Promise.resolve(false),
  };
  return (wanted, signal = never) => buySpeech(deps, wanted, signal);
}
const failureOf = (bought: Promise<unknown>): Promise<ClipmeshError> =>
  bought.then(
    () => {
      throw new Error('it was bought');
    },
    (error: unknown) => error as ClipmeshError,
  );
const sum = (charges: readonly Charge[]): number => charges.reduce((micros, charge) => micros + charge.amountMicros, 0);

const MODELS: readonly (readonly [string, () => SpeechModel])[] = [
  ['tts-1', () => openai('tts-1')],
  ['gpt-4o-mini-tts', () => openai('gpt-4o-mini-tts')],
  ...(installed === undefined
    ? []
    : [
        [
          'espeak-ng',
          () =>
            createEspeakSpeechModel({
              synthesizer: new Espeak({ timeoutMs: DEADLINE_MS, maxProcesses: 2 }),
              version: installed,
            }),
        ] as const,
      ]),
];

describe.each(MODELS)('the speech of %s', (_name, create) => {
  let model: SpeechModel;
  let buy: ReturnType<typeof buyerOf>;
  beforeEach(async () => {
    await sandbox.scenario({});
    await sandbox.clearInvoice();
    model = create();
    buy = buyerOf(model);
  });

  it('is an audible file as long as its text, faster at a higher speed', async () => {
    const usual = await buy(order(1));
    const fast = await buy(order(2, { speed: 1.5 }));
    expect(usual.artifact.contentType).toBe('audio/wav');
    expect(usual.durationSeconds).toBeGreaterThan(1.5);
    expect(usual.durationSeconds).toBeLessThan(8);
    expect(fast.durationSeconds).toBeLessThan(usual.durationSeconds * 0.85);
  });

  it('costs what the provider charges, and no more than its quote', async () => {
    const { charges } = await buy(order(1));
    expect(sum(charges)).toBe(Math.round((await sandbox.invoice()).totalUsd * 1e6));
    expect(sum(charges)).toBeLessThanOrEqual(model.quote({ text: HELLO })?.micros ?? 0);
  });

  it.each([
    ['without a word', { text: '…!?' }],
    ['that is too long', { text: 'ha '.repeat(2000) }],
    ['with a voice that does not exist', { voice: 'nobody' }],
  ])('is refused for a request %s, without a charge', async (_what, more) => {
    expect(await failureOf(buy(order(1, more)))).toMatchObject({
      ...{ code: 'PROVIDER_BAD_INPUT', retryable: false, charges: [] },
    });
    expect((await sandbox.invoice()).totalUsd).toBe(0);
  });

  it('is not made when it is aborted before the call', async () => {
    await failureOf(buy(order(1), AbortSignal.abort()));
    const call = { key: 'k', file: join(folder.path, 'none'), signal: AbortSignal.abort() };
    await expect(model.speak({ text: HELLO }, call)).rejects.toMatchObject({ code: 'CANCELED', charges: [] });
    expect((await sandbox.invoice()).totalUsd).toBe(0);
    expect(await readdir(folder.path)).not.toContain('none');
  });
});

describe.each(['tts-1', 'gpt-4o-mini-tts'])('the answers of %s', (name) => {
  let buy: ReturnType<typeof buyerOf>;
  let purchases: ReturnType<typeof createMemoryStores>['purchases'];
  beforeEach(async () => {
    await sandbox.clearInvoice();
    const stores = createMemoryStores();
    ({ purchases } = stores);
    buy = buyerOf(openai(name), stores);
  });
  afterEach(() => sandbox.scenario({}));
  const invoiced = async (): Promise<number> => Math.round((await sandbox.invoice()).totalUsd * 1e6);

  it.each(['empty', 'short', 'silent', 'broken', 'page'])(
    'that are %s are charged, and asked for again',
    async (kind) => {
      await sandbox.scenario({ speechAnswers: [kind] });
      const error = await failureOf(buy(order(1)));
      expect(error).toMatchObject({ retryable: true, charges: [{ kind: 'speech', outcome: 'failed', scene: 1 }] });
      const { charges } = await buy(order(1));
      expect(charges).toHaveLength(2);
      expect(sum(charges)).toBeGreaterThanOrEqual(await invoiced());
      if (name === 'tts-1') expect(sum(charges)).toBe(await invoiced());
    },
  );

  it('with another type are read by their bytes', async () => {
    await sandbox.scenario({ speechAnswers: ['wrong-type'] });
    expect((await buy(order(1))).artifact.contentType).toBe('audio/wav');
  });

  it('that are lost are bought at most once more, and every cost is booked', async () => {
    await sandbox.scenario({ loseReplies: 1 });
    expect(await failureOf(buy(order(1)))).toMatchObject({
      code: 'PROVIDER_UNAVAILABLE',
      retryable: true,
      charges: [],
    });
    await failureOf(buy(order(1)));
    const last = await failureOf(buy(order(1)));
    expect(last).toMatchObject({
      code: 'PROVIDER_UNAVAILABLE',
      retryable: false,
      charges: [{ assumed: true }, { assumed: true }],
    });
    expect((await sandbox.invoice()).speech).toHaveLength(2);
    expect(sum(last.charges)).toBeGreaterThanOrEqual(await invoiced());
  });

  it.each([
    [
      'a rate limit',
      { rateLimit: { perMinute: 0.001, retryAfterSeconds: 7 } },
      { code: 'PROVIDER_RATE_LIMITED', retryAfterMs: 7000 },
    ],
    ['an outage', { unavailableEvery: 2 }, { code: 'PROVIDER_UNAVAILABLE', retryable: true }],
    ['a refused text', { rejectPrompts: 'whistle' }, { code: 'PREDICTION_REFUSED', retryable: false }],
  ])('with %s cost nothing', async (_what, scenario, failure) => {
    await sandbox.scenario(scenario);
    const first = await buy(order(1));
    expect(await failureOf(buy(order(2, { text: 'It would whistle too.' })))).toMatchObject(failure);
    expect(await invoiced()).toBe(sum(first.charges));
  });

  it('that are awaited when the work is canceled are stored and charged', async () => {
    await sandbox.scenario({ speechSeconds: 1 });
    const caller = new AbortController();
    const bought = failureOf(buy(order(1), caller.signal));
    await until(async () => (await purchases.list(idOf(1))).length > 0, DEADLINE_MS, 'the intent');
    caller.abort();
    expect(await bought).toMatchObject({ code: 'CANCELED' });
    const { charges } = await buy(order(1));
    expect([charges.length, sum(charges)]).toEqual([1, await invoiced()]);
  });
});
