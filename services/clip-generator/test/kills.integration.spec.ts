import { join } from 'node:path';
import { CancelRequested, type ClipGenerateBody, ClipGenerate, message } from '@clipmesh/contracts';
import { openCancellations } from '@clipmesh/messaging';
import { loadModels } from '@clipmesh/providers';
import {
  type Cog,
  CogControl,
  findCog,
  type ServerProcess,
  startCog,
  startService,
  tempFolder,
  type TempFolder,
  until,
} from '@clipmesh/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type ClipBench, DEADLINE_MS, startClipBench } from './clip.bench.js';

const MODEL = 'cog/animatic';
const SECONDS = 2;
const program = await findCog();
const sku = (await loadModels()).get(MODEL)!.skus[0]!;
/** The charge of a prediction whose outcome nobody can say. */
const ASSUMED = sku.micros * (sku.gpuSeconds?.high ?? 0) * SECONDS;

(program === undefined ? describe.skip : describe)('a clip of a real Cog server', () => {
  let bench: ClipBench;
  let folder: TempFolder;
  let control: CogControl;
  let cog: Cog;
  let buyer: ServerProcess;
  let body: ClipGenerateBody;

  const startBuyer = async (): Promise<void> => {
    buyer = await startService('clip-generator', {
      ...bench.settings,
      TEMP_DIR: join(bench.folder.path, 'tmp'),
      COG_ENDPOINTS: `${MODEL}=${cog.url}`,
      VIDEO_MODELS: MODEL,
      // The generations of this suite are not stored, so they have no owner.
      CLIP_CACHE_SCOPE: 'shared',
      ACK_WAIT_SECONDS: '5',
      ATTEMPT_SETTLE_SECONDS: '0',
      VIDEO_ATTEMPTS: '20',
      VIDEO_RETRY_FIRST_SECONDS: '0.2',
      VIDEO_RETRY_MAX_SECONDS: '8',
      BREAKER_FAILURES: '100',
    });
  };
  /** The statuses of what the model ran. */
  const runs = async (): Promise<string[]> => (await control.runs()).map(({ status }) => status);
  /** The purchases of the scene, oldest first. */
  const stored = async () =>
    (await bench.stores.purchases.list(body.generationId))
      .map(({ value }) => value)
      .sort((a, b) => a.key.localeCompare(b.key));
  /** Their status, and whether the provider could say what became of them. */
  const purchases = async (): Promise<unknown[]> =>
    (await stored()).map(({ status, unknowable }) => [status, unknowable === undefined]);
  /** Waits until the prediction of the n-th purchase runs, and the purchase has its id. */
  const inTheMiddle = (count: number): Promise<unknown> =>
    until(
      async () => {
        const last = (await stored()).at(-1);
        const ran = await runs();
        return ran.length === count && ran.at(-1) === 'processing' && last?.status === 'submitted';
      },
      DEADLINE_MS,
      `prediction ${count}`,
    );

  beforeAll(async () => {
    bench = await startClipBench();
    folder = await tempFolder('cog');
    control = new CogControl(folder.path);
    cog = await startCog(program!, { controlFolder: folder.path });
  }, DEADLINE_MS);
  afterAll(async () => {
    await cog.server.end('SIGTERM');
    await folder.remove();
    await bench.stop();
  }, DEADLINE_MS);
  beforeEach(async () => {
    await control.clear();
    await control.hold();
    await startBuyer();
    body = bench.command({ model: MODEL, durationSeconds: SECONDS });
    await bench.publish([message(ClipGenerate, body)]);
    await inTheMiddle(1);
  }, DEADLINE_MS);
  afterEach(async () => {
    await control.release();
    await buyer.end('SIGTERM');
    await until(async () => (await cog.status()) === 'READY', DEADLINE_MS, 'a free slot');
  }, DEADLINE_MS);

  it('is canceled with its clip generator, charged as assumed, and made once more by the next one', async () => {
    await buyer.end('SIGKILL');
    await until(async () => (await runs())[0] === 'canceled', DEADLINE_MS, 'the cancel');
    await startBuyer();
    await control.release();
    expect(await bench.endOf(body)).toMatchObject({ name: 'clip.generated', body: { model: MODEL, cached: false } });
    expect(await runs()).toEqual(['canceled', 'succeeded']);
    expect(await purchases()).toEqual([
      ['failed', false],
      ['finished', true],
    ]);
    const [first, second] = await bench.charges(body.generationId, 2);
    expect(first).toMatchObject({ provider: 'cog', amountMicros: ASSUMED, assumed: true, outcome: 'failed' });
    expect(second).toMatchObject({ provider: 'cog', unit: 'gpu_second', outcome: 'succeeded' });
    expect(second?.amountMicros).toBe(Math.ceil(sku.micros * (second?.quantity ?? 0)));
  });

  it('is made at most once more when both clip generators die', async () => {
    for (const count of [1, 2]) {
      await inTheMiddle(count);
      await buyer.end('SIGKILL');
      await until(async () => (await runs())[count - 1] === 'canceled', DEADLINE_MS, 'the cancel');
      await startBuyer();
    }
    expect(await bench.endOf(body)).toMatchObject({
      name: 'clip.failed',
      body: { failure: { code: 'PROVIDER_UNAVAILABLE', retryable: false, charged: true } },
    });
    expect(await runs()).toEqual(['canceled', 'canceled']);
    expect(await purchases()).toEqual([
      ['failed', false],
      ['failed', false],
    ]);
    const charges = await bench.charges(body.generationId, 2);
    expect(charges.map(({ amountMicros, assumed }) => [amountMicros, assumed])).toEqual([
      [ASSUMED, true],
      [ASSUMED, true],
    ]);
  });

  it.each([
    ['as assumed when its clip generator died before', true],
    ['by its computing time while its clip generator lives', false],
  ])('is charged %s and its generation is canceled', async (_name, isDead) => {
    const { generationId } = body;
    if (isDead) {
      await buyer.end('SIGKILL');
      await until(async () => (await runs())[0] === 'canceled', DEADLINE_MS, 'the cancel');
    }
    // The flag comes first, as from the gateway: the repeated command buys nothing.
    const cancellations = await openCancellations(await bench.broker.connect());
    await cancellations.request(generationId);
    cancellations.close();
    const at = new Date().toISOString();
    await bench.publish([message(CancelRequested, { generationId, at, charges: [], reason: 'test' })]);
    if (isDead) await startBuyer();

    const [charge] = await bench.charges(generationId, 1);
    const [purchase] = await stored();
    expect(charge).toMatchObject({ key: `prediction:cog:${purchase?.key ?? ''}`, provider: 'cog' });
    expect(charge?.assumed).toBe(isDead || undefined);
    if (isDead) expect(charge?.amountMicros).toBe(ASSUMED);
    else expect(charge).toMatchObject({ unit: 'gpu_second', outcome: 'canceled' });
    expect(charge?.amountMicros).toBeGreaterThan(0);
    expect(await purchases()).toEqual([['canceled', true]]);
    expect(await runs()).toEqual(['canceled']);
  });

  it('is charged as assumed and made again when its server is killed', async () => {
    await cog.server.end('SIGKILL');
    // The worker of the dead server ends too.
    await control.release();
    cog = await startCog(program!, { port: Number(new URL(cog.url).port), controlFolder: folder.path });
    expect(await bench.endOf(body)).toMatchObject({ name: 'clip.generated', body: { model: MODEL, cached: false } });
    expect(await runs()).toHaveLength(2);
    expect(await purchases()).toEqual([
      ['failed', true],
      ['finished', true],
    ]);
    const [first, second] = await bench.charges(body.generationId, 2);
    expect(first).toMatchObject({ amountMicros: ASSUMED, assumed: true, outcome: 'failed' });
    expect(second).toMatchObject({ unit: 'gpu_second', outcome: 'succeeded' });
  });
});
