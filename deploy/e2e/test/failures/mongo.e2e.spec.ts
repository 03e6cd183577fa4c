import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type CreateGenerationInput } from '@clipmesh/contracts';
import { findMongo, type Mongo, startMongo, TcpProxy } from '@clipmesh/testing';
import { ApiClient, SandboxClient } from '../../src/api.client.js';
import { eventually } from '../../src/eventually.js';
import { cleaned } from '../../src/stack/leftovers.js';
import { CHEAP_PICTURES, LocalStack } from '../../src/stack/local.stack.js';

const MAKE_MS = 240_000;
const SCENES = 3;
/** How long MongoDB is away; a variable sets a longer time for a manual test, ms. */
const AWAY_MS = Number(process.env['CLIPMESH_TEST_MONGO_AWAY_MS'] ?? 3000);
const request: CreateGenerationInput = {
  prompt: 'A lighthouse that writes letters to passing ships.',
  sceneCount: SCENES,
  durationSeconds: SCENES * 3,
  aspectRatio: '1:1',
  seed: 11,
  overlays: false,
};
const micros = (usd: number): number => Math.round(usd * 1_000_000);

const program = await findMongo();
(program === undefined ? describe.skip : describe)('records in MongoDB', () => {
  const stopping: (() => Promise<unknown>)[] = [];
  let mongo: Mongo;
  let gate: TcpProxy;
  let onMongo: LocalStack;
  let onKv: LocalStack;

  beforeAll(async () => {
    if (program === undefined) throw new Error('there is no server');
    mongo = await startMongo(program);
    stopping.push(() => mongo.stop());
    gate = await TcpProxy.create(mongo.host);
    stopping.push(() => gate.close());
    const uri = mongo.database().replace(mongo.host, `127.0.0.1:${gate.port}`);
    // Await both, even when one fails, so that both can be stopped.
    const [first, second] = await Promise.allSettled([
      startStack({ MONGODB_URI: uri, MONGODB_REQUEST_WAIT_SECONDS: '1', MONGODB_CONNECT_TIMEOUT: '1' }),
      startStack({}),
    ]);
    if (first.status === 'rejected') throw first.reason;
    if (second.status === 'rejected') throw second.reason;
    [onMongo, onKv] = [first.value, second.value];
  });

  afterAll(async () => {
    const ended = await Promise.allSettled(stopping.reverse().map((stop) => stop()));
    expect(ended.filter(({ status }) => status === 'rejected')).toEqual([]);
  });

  async function startStack(env: Readonly<Record<string, string>>): Promise<LocalStack> {
    const stack = await LocalStack.start({ env: { ...CHEAP_PICTURES, MONGODB_URI: '', ...env } });
    stopping.push(() => stack.stop());
    return stack;
  }

  it('makes the same video as with records in the broker, and answers the same to the byte', async () => {
    const [first, second] = await Promise.all(
      [onMongo, onKv].map(async ({ urls }) => {
        const [api, sandbox] = [new ApiClient(urls.gateway), new SandboxClient(urls.sandbox)];
        await sandbox.scenario({ clipSeconds: [0.5] });
        const id = await api.create(request);
        await api.succeeded(id, MAKE_MS);
        const answers = await answersOf(api, id);
        const invoice = await sandbox.invoice();
        expect(invoice.predictions).toHaveLength(SCENES);
        expect(micros((await api.cost(id)).totalUsd)).toBe(micros(invoice.totalUsd));
        expect(invoice.totalUsd).toBeGreaterThan(0);
        return answers;
      }),
    );
    expect(first).toBe(second);
    expect(await new ApiClient(onMongo.urls.gateway).list()).toHaveLength(1);
  });

  it('loses nothing while MongoDB is away and comes back during a run', async () => {
    const [api, sandbox] = [new ApiClient(onMongo.urls.gateway), new SandboxClient(onMongo.urls.sandbox)];
    await sandbox.clearInvoice();
    await sandbox.scenario({ clipSeconds: [1.5] });
    const id = await api.create({ ...request, seed: 12 });
    await eventually('a prediction', MAKE_MS, async () =>
      (await sandbox.invoice()).predictions.length > 0 ? true : undefined,
    );
    await gate.close();
    const shutAtMs = Date.now();
    try {
      const refused = await api.call(`/v1/generations/${id}`);
      expect(refused.status).toBe(503);
      expect(await refused.json()).toMatchObject({ code: 'STORE_UNAVAILABLE', retryable: true });
      await eventually('the absence', AWAY_MS + 10_000, () => (Date.now() - shutAtMs >= AWAY_MS ? true : undefined));
    } finally {
      await gate.open();
    }
    await eventually('an answer', MAKE_MS, async () => ((await api.call('/readyz')).ok ? true : undefined));
    await api.succeeded(id, MAKE_MS);
    const { predictions, completions, totalUsd } = await sandbox.invoice();
    expect(predictions.map(({ status }) => status)).toEqual(Array.from({ length: SCENES }, () => 'succeeded'));
    expect(completions).toHaveLength(1);
    expect(await cleaned(onMongo)).toEqual([]);
    expect(micros((await api.cost(id)).totalUsd)).toBe(micros(totalUsd));
  });
});

/** The answers of the API for a finished generation, with placeholders for ids and times. Sorts the entries again, because their order depended on ids. */
async function answersOf(api: ApiClient, id: string): Promise<string> {
  // The performance summary is written last, and differs each time.
  const generation = await eventually('the report', MAKE_MS, async () => {
    const text = await (await api.call(`/v1/generations/${id}`)).text();
    return (JSON.parse(text) as { performance?: unknown }).performance === undefined ? undefined : text;
  });
  const cost = await (await api.call(`/v1/generations/${id}/cost`)).text();
  const parsed = JSON.parse(generation) as { performance: unknown; scenes: { predictionId: string; index: number }[] };
  const withPlaceholders = parsed.scenes.reduce(
    (text, { predictionId, index }) => text.replaceAll(predictionId, `prediction-${index}`),
    JSON.stringify([
      { ...parsed, performance: Object.keys(parsed.performance as object) },
      JSON.parse(cost) as unknown,
    ]),
  );
  const neutral = withPlaceholders
    .replaceAll(id, 'generation')
    .replace(/"[0-9a-f]{32}"/g, '"trace"')
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'time')
    .replace(/completion:[\w-]+/g, 'completion:id');
  const [view, bill] = JSON.parse(neutral) as [unknown, { entries: { key: string }[] }];
  return JSON.stringify([view, { ...bill, entries: bill.entries.sort((a, b) => (a.key < b.key ? -1 : 1)) }], null, 1);
}
