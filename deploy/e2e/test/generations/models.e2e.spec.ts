import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ApiClient, type Invoice, SandboxClient } from '../../src/api.client.js';
import { Command, type Ended } from '../../src/stack/command.runner.js';
import { CHEAP_PICTURES, LocalStack } from '../../src/stack/local.stack.js';

const MAKE_MS = 240_000;
const COMMAND_MS = 120_000;

/** An invented model with words of its own for every input, as a user adds it to MODELS_FILE. */
const MOTION = {
  id: 'acme/motion',
  provider: 'replicate',
  durations: [4, 8],
  aspectRatios: ['9:16', '16:9', '1:1'],
  resolutions: [
    { name: 'small', pixels: 480 },
    { name: 'large', pixels: 720 },
  ],
  audio: 'optional',
  firstFrame: false,
  skus: [
    { id: 'small-sound', when: { audio: true, resolution: 'small' }, usdPerSecond: 0.021 },
    { id: 'small-silent', when: { audio: false, resolution: 'small' }, usdPerSecond: 0.011 },
    { id: 'large-sound', when: { audio: true, resolution: 'large' }, usdPerSecond: 0.031_007 },
    { id: 'large-silent', when: { audio: false, resolution: 'large' }, usdPerSecond: 0.017 },
  ],
  asOf: '2026-01-01',
  source: 'invented',
  inputs: {
    duration: { field: 'seconds', as: 'seconds' },
    aspectRatio: { field: 'shape', values: { '9:16': 'tall', '16:9': 'wide', '1:1': 'square' } },
    resolution: 'clarity',
    audio: 'with_sound',
    fixed: { watermark: false },
  },
};
/** Its clips are too short for the scenes of the second test. */
const SHORT = {
  ...MOTION,
  id: 'acme/short',
  durations: [4],
  resolutions: [],
  audio: 'none',
  skus: [{ id: 'clip', usdPerClip: 0.01 }],
  inputs: { aspectRatio: MOTION.inputs.aspectRatio },
};
const shape = { type: 'string', enum: ['tall', 'wide', 'square'], default: 'wide' };
/** The same models as their provider describes and prices them. */
const RECORDED = [
  {
    id: 'acme/motion',
    source: 'invented',
    asOf: '2026-01-01',
    Input: {
      type: 'object',
      required: ['prompt', 'watermark'],
      properties: {
        prompt: { type: 'string' },
        seconds: { type: 'string', enum: ['4s', '8s'], default: '8s' },
        shape,
        clarity: { type: 'string', enum: ['small', 'large'], default: 'large' },
        with_sound: { type: 'boolean', default: true },
        watermark: { type: 'boolean' },
      },
    },
    prices: [
      { when: { clarity: 'large', with_sound: true }, usdPerSecond: 0.031_007 },
      { when: { clarity: 'large', with_sound: false }, usdPerSecond: 0.017 },
      { when: { with_sound: true }, usdPerSecond: 0.021 },
      { usdPerSecond: 0.011 },
    ],
  },
  {
    id: 'acme/short',
    source: 'invented',
    asOf: '2026-01-01',
    Input: { type: 'object', required: ['prompt'], properties: { prompt: { type: 'string' }, shape } },
    seconds: 4,
    prices: [{ usdPerClip: 0.01 }],
  },
];
const REQUEST = {
  prompt: 'A kettle that sings when the water is hot.',
  sceneCount: 3,
  durationSeconds: 9,
  aspectRatio: '1:1',
  overlays: false,
} as const;

let folder: string;
let stack: LocalStack;
let api: ApiClient;
let sandbox: SandboxClient;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'clipmesh-models-'));
  const file = join(folder, 'models.json');
  writeFileSync(file, JSON.stringify({ models: [MOTION, SHORT] }));
  const env = { ...CHEAP_PICTURES, MODELS_FILE: file, VIDEO_MODELS: 'acme/motion' };
  stack = await LocalStack.start({ env });
  api = new ApiClient(stack.urls.gateway);
  sandbox = new SandboxClient(stack.urls.sandbox);
});
afterAll(async () => {
  // Undefined when the start has failed: that error counts.
  await (stack as LocalStack | undefined)?.stop();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  await sandbox.scenario({ clipSeconds: { min: 0, max: 0.1 }, models: RECORDED });
  await sandbox.clearInvoice();
});

const micros = (usd: number): number => Math.round(usd * 1_000_000);
/** Model and price of each prediction, in micro-dollars. */
const bought = ({ predictions }: Invoice): unknown[] =>
  predictions.map(({ model, status, amountUsd }) => ({ model, status, micros: micros(amountUsd) }));
/** The ledger's entries for clips: amount by prediction. */
async function bookedClips(id: string): Promise<Map<string, number>> {
  const { entries } = await api.cost(id);
  return new Map(
    entries
      .filter(({ key }) => key.startsWith('prediction:'))
      .map(({ key, amountUsd }) => [key.slice('prediction:'.length), micros(amountUsd)]),
  );
}
const billedClips = ({ predictions }: Invoice): Map<string, number> =>
  new Map(predictions.map(({ id, amountUsd }) => [id, micros(amountUsd)]));

/** Runs a command against this stack. */
async function run(script: string, ...args: string[]): Promise<Ended> {
  const command = new Command(`deploy/local/dist/${script}.js`, args, {
    MODELS_FILE: join(folder, 'models.json'),
    REPLICATE_BASE_URL: `${stack.urls.sandbox}/v1`,
    REPLICATE_API_TOKEN: 'sandbox',
  });
  return command.end(COMMAND_MS);
}

describe('a model of MODELS_FILE', () => {
  it('makes a video without a rebuild, and the invoice is the ledger to the micro-dollar', async () => {
    const id = await api.create({ ...REQUEST, model: 'acme/motion' });
    const generation = await api.succeeded(id, MAKE_MS);
    expect(generation.scenes.map(({ model }) => model)).toEqual(Array(3).fill('acme/motion'));
    const invoice = await sandbox.invoice();
    // An unknown input field would have failed its prediction.
    expect(bought(invoice)).toEqual(Array(3).fill({ model: 'acme/motion', status: 'succeeded', micros: 4 * 31_007 }));
    expect(await bookedClips(id)).toEqual(billedClips(invoice));
    expect(micros(generation.costUsd)).toBe(micros(invoice.totalUsd));
  });

  it('is compared with the schema of its provider, and its ledger with the invoice', async () => {
    const id = await api.create({ ...REQUEST, model: 'acme/motion', prompt: 'A lamp that follows the sun.' });
    await api.succeeded(id, MAKE_MS);
    expect(await run('models', 'check', '--model', 'acme/motion')).toMatchObject({ code: 0, stderr: '' });
    expect((await run('models', 'list')).stdout).toMatch(/^acme\/motion +replicate +4, 8 s +optional +2026-01-01/m);

    const { predictions, completions } = await sandbox.invoice();
    const file = join(folder, 'invoice.json');
    const reconcile = (): Promise<Ended> =>
      run('reconcile', '--provider', 'replicate', '--file', file, '--data', stack.dataDir);
    // The invoice was cleared after the first video, whose entries stay in the ledger.
    const earlier = [...(await bookedOfOthers(id))].map(([other, amount]) => ({
      id: other,
      model: 'acme/motion',
      amountUsd: amount / 1_000_000,
    }));
    writeFileSync(file, JSON.stringify({ predictions: [...predictions, ...earlier], completions }));
    const same = await reconcile();
    expect(same).toMatchObject({ code: 0, stderr: '' });
    expect(same.stdout).toContain('difference $0.000000');

    const [first, ...rest] = predictions;
    const rows = [...rest, ...earlier].map((one) => `${one.id},${String(one['model'])},${one.amountUsd}`);
    writeFileSync(file, ['prediction id,model,amount', ...rows, 'unknown1,acme/motion,0.5', ''].join('\n'));
    const different = await reconcile();
    expect(different.code).toBe(1);
    expect(different.stdout).toContain('Only in the ledger: 1');
    expect(different.stdout).toContain(first?.id);
    expect(different.stdout).toContain('Only in the invoice: 1');
    expect(different.stdout).toContain('unknown1');
  });

  it('is skipped with a reason when its clips are too short, and costs nothing', async () => {
    const id = await api.create({ ...REQUEST, durationSeconds: 18, model: 'acme/short' });
    const generation = await api.succeeded(id, MAKE_MS);
    const skipped = { kind: 'skipped', model: 'acme/short', reason: expect.stringMatching(/at most 4 s/) };
    expect(generation['incidents']).toEqual(expect.arrayContaining([expect.objectContaining(skipped)]));
    const { predictions } = await sandbox.invoice();
    expect(predictions.map(({ model }) => model)).toEqual(Array(3).fill('acme/motion'));
    expect(await bookedClips(id)).toEqual(billedClips(await sandbox.invoice()));
  });

  it('is bought silent, at the lower price, when the request drops the sound of clips', async () => {
    const id = await api.create({ ...REQUEST, model: 'google/veo-3.1-fast', clipAudio: 'drop' });
    await api.succeeded(id, MAKE_MS);
    const invoice = await sandbox.invoice();
    const clip = { model: 'google/veo-3.1-fast', status: 'succeeded', micros: 4 * 100_000 };
    expect(bought(invoice)).toEqual(Array(3).fill(clip));
    expect(await bookedClips(id)).toEqual(billedClips(invoice));
    const { entries } = await api.cost(id);
    expect(entries.filter(({ key }) => key.startsWith('prediction:')).map(({ sku }) => sku)).toEqual(
      Array(3).fill('silent'),
    );
  });
});

/** The clips that the ledger has for all other generations. */
async function bookedOfOthers(id: string): Promise<Map<string, number>> {
  const others = (await api.list()).filter((other) => other !== id);
  const all = await Promise.all(others.map(bookedClips));
  return new Map(all.flatMap((one) => [...one]));
}
