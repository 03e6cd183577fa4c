import { type CreateGenerationInput } from '@clipmesh/contracts';
import { freePort } from '@clipmesh/testing';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ApiClient, SandboxClient } from '../../src/api.client.js';
import { eventually } from '../../src/eventually.js';
import { cleaned } from '../../src/stack/leftovers.js';
import { CHEAP_PICTURES, LocalStack } from '../../src/stack/local.stack.js';
import { TraceCollector } from '../../src/traces/trace.collector.js';

const MAKE_MS = 240_000;
const SCENES = 3;
const SECRET = 'a-secret-of-the-tests-long-enough';
const request: CreateGenerationInput = {
  prompt: 'A lamp that finds its way home in the dark.',
  sceneCount: SCENES,
  durationSeconds: SCENES * 4,
  aspectRatio: '9:16',
  overlays: false,
};

describe('fal with a webhook address', () => {
  let stack: LocalStack;
  let api: ApiClient;
  let sandbox: SandboxClient;
  let collector: TraceCollector;

  beforeAll(async () => {
    collector = await TraceCollector.start();
    const port = await freePort();
    stack = await LocalStack.start({
      port,
      env: {
        ...CHEAP_PICTURES,
        VIDEO_MODELS: 'fal-ai/veo3.1/fast',
        VIDEO_ATTEMPTS: '2',
        VIDEO_RETRY_FIRST_SECONDS: '0.2',
        ACK_WAIT_SECONDS: '2',
        PROVIDER_CALL_TIMEOUT: '2',
        ATTEMPT_SETTLE_SECONDS: '0',
        PUBLIC_URL: `http://127.0.0.1:${port}`,
        PROVIDER_WEBHOOK_SECRET: SECRET,
        FAL_REPORT_TIMEOUT: '600',
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      },
    });
    api = new ApiClient(stack.urls.gateway);
    sandbox = new SandboxClient(stack.urls.sandbox);
  });
  afterAll(async () => {
    await (stack as LocalStack | undefined)?.stop();
    await (collector as TraceCollector | undefined)?.close();
  });

  it('every answer is lost, and the gateway and the clip generator are killed: every clip is bought once', async () => {
    await sandbox.scenario({ clipSeconds: { min: 0.2, max: 0.5 }, loseReplies: 1, hold: [0, 1, 2] });
    const id = await api.create(request);
    const bought = async (): Promise<number> => (await sandbox.invoice()).predictions.length;
    await eventually('every clip to be bought', MAKE_MS, async () => ((await bought()) === SCENES ? true : undefined));
    const pids = stack.pids();
    for (const name of ['gateway.1', 'clip-generator.1']) process.kill(pids.get(name)!, 'SIGKILL');
    // The runs end, and fal reports them, while nobody listens.
    await sandbox.scenario({ clipSeconds: { min: 0.2, max: 0.5 } });
    await eventually('the gateway to be back', MAKE_MS, () =>
      fetch(`${stack.urls.gateway}/readyz`).then(
        ({ ok }) => (ok ? true : undefined),
        () => undefined,
      ),
    );
    await api.succeeded(id, MAKE_MS);

    const { predictions, totalUsd } = await sandbox.invoice();
    expect(predictions.map(({ key }) => key).sort()).toEqual([0, 1, 2].map((scene) => `clip.${id}.${scene}.1`));
    const { entries } = await api.cost(id);
    // Predictions, and purchases that were charged as assumed.
    const clips = entries.filter(({ key }) => /^(prediction|purchase):/.test(key));
    expect(clips.map(({ key }) => key).sort()).toEqual(predictions.map((one) => `prediction:fal:${one.id}`).sort());
    const micros = (priced: readonly { amountUsd: number }[]): number =>
      priced.reduce((sum, { amountUsd }) => sum + Math.round(amountUsd * 1_000_000), 0);
    expect(micros(entries)).toBe(micros([{ amountUsd: totalUsd }]));
    const log = ['gateway.1', 'clip-generator.1'].flatMap((name) => stack.log(name)).join('\n');
    expect(log).toContain('fal reported a purchase');
    await eventually('the spans of the reports', MAKE_MS, () => collector.text().includes('[redacted]') || undefined);
    for (const text of [log, collector.text()]) {
      expect(text).not.toMatch(/webhooks\/fal\/clip\.gen_\w+\.\d+\.\d+\/[\w-]{43}/);
      expect(text).not.toContain(SECRET);
    }
    expect(await cleaned(stack)).toEqual([]);
  });
});
