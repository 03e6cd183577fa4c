import { type ClipGenerateBody } from '@clipmesh/contracts';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DEADLINE_MS, FAST, startSandboxBench, sumOf } from './clip.bench.js';

const VEO = 'google/veo-3.1';
const FAL = 'fal-ai/veo3.1/fast';
const COG = 'cog/animatic';
const generationId = `gen_${'f'.repeat(32)}`;

let bench: Awaited<ReturnType<typeof startSandboxBench>>;

beforeAll(async () => {
  bench = await startSandboxBench();
  const { url } = bench.sandbox;
  await bench.startReplica('clip-generator.1', {
    FAL_KEY: 'any',
    FAL_BASE_URL: `${url}/fal`,
    COG_ENDPOINTS: `${COG}=${url}/cog/${COG}`,
    VIDEO_MODELS: [FAL, VEO, COG].join(','),
    PROVIDER_CALL_TIMEOUT: '2',
    ATTEMPT_SETTLE_SECONDS: '0',
    CLIP_CACHE_SCOPE: 'shared',
  });
}, DEADLINE_MS);
afterAll(() => bench.stop(), DEADLINE_MS);

/** Makes the clip of a scene. Resolves with the name of the last event. */
async function make(scene: number, more: Partial<ClipGenerateBody>): Promise<string> {
  const body = { generationId, scene, model: FAL, prompt: `kite ${scene}`, aspectRatio: '9:16', ...more } as const;
  return (await bench.make(bench.command(body))).name;
}

describe('a generation whose scenes are bought from three providers', () => {
  it('has charges that are the invoice, with refused outputs, another provider after a failure, and a lost reply', async () => {
    const { sandbox } = bench;
    await sandbox.scenario({ ...FAST, rejectOutputs: { prompts: 'bottle' } });
    expect(await make(0, {})).toBe('clip.generated');
    expect(await make(1, { prompt: 'a bottle' })).toBe('clip.failed');
    expect(await make(1, { prompt: 'a bottle', attempt: 2, model: COG })).toBe('clip.failed');
    expect(await make(1, { attempt: 3, model: VEO })).toBe('clip.generated');
    await sandbox.scenario({ ...FAST, loseReplies: 0.5 });
    // The second submit of the scenario has no reply: the clip is charged as assumed, and bought once more.
    expect(await make(2, { model: VEO })).toBe('clip.generated');
    expect(await make(3, {})).toBe('clip.generated');
    await sandbox.scenario(FAST);
    expect(await make(4, { model: COG })).toBe('clip.generated');

    const { predictions, totalUsd } = await sandbox.invoice();
    expect(predictions.map(({ provider, model }) => [provider, model])).toEqual([
      ['fal', FAL],
      ['fal', FAL],
      ['cog', COG],
      ['replicate', VEO],
      ['replicate', VEO],
      ['fal', FAL],
      ['fal', FAL],
      ['cog', COG],
    ]);
    const entered = await bench.charges(generationId, predictions.length);
    expect(sumOf(entered)).toBe(Math.round(totalUsd * 1_000_000));
    expect(entered.map(({ provider }) => provider).sort()).toEqual([
      ...['cog', 'cog', 'fal', 'fal', 'fal', 'fal'],
      ...['replicate', 'replicate'],
    ]);
  });
});
