import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Espeak, Media } from '@clipmesh/media';
import { type TempFolder, tempFolder } from '@clipmesh/testing';
import OpenAI, { type APIError } from 'openai';
import { createSandbox, type Sandbox } from '../src/sandbox.server.js';
import { createSpeaker, FORMATS } from '../src/speech/speech.speaker.js';

/** Test timeout, ms. */
const DEADLINE_MS = 120_000;
const HELLO = 'The kettle sings at five in the morning, and nobody minds.';
const espeak = new Espeak({ timeoutMs: DEADLINE_MS, maxProcesses: 2 });
const installed = await espeak.version(AbortSignal.timeout(DEADLINE_MS)).then(
  () => true,
  () => false,
);

let folder: TempFolder;
let media: Media;
let sandbox: Sandbox;
let openai: OpenAI;
const at = (name: string): string => join(folder.path, name);
const scenario = (body: object): Promise<Response> =>
  fetch(`${sandbox.url}/sandbox/scenario`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
interface Invoice {
  readonly speech: readonly { readonly id: string; readonly characters: number; readonly amountUsd: number }[];
}
const invoice = async (): Promise<Invoice> => (await (await fetch(`${sandbox.url}/sandbox/invoice`)).json()) as Invoice;
type Params = OpenAI.Audio.SpeechCreateParams;
const speech = async (more: Partial<Params> = {}): Promise<Buffer> => {
  const body: Params = { model: 'tts-1', voice: 'alloy', input: HELLO, response_format: 'wav', ...more };
  return Buffer.from(await (await openai.audio.speech.create(body)).arrayBuffer());
};
const refused = (more: Partial<Params>): Promise<APIError> =>
  speech(more).then(
    () => {
      throw new Error('it was spoken');
    },
    (error: unknown) => error as APIError,
  );
const secondsOf = async (bytes: Buffer): Promise<number> => {
  await writeFile(at('speech'), bytes);
  const rules = { minSeconds: 0, maxSeconds: 60 };
  return (await media.verifySpeech(at('speech'), rules, { signal: AbortSignal.timeout(DEADLINE_MS) })).durationSeconds;
};

beforeAll(async () => {
  folder = await tempFolder('speech');
  media = new Media({ threads: 1, idleTimeoutMs: DEADLINE_MS, tempDir: at('tmp'), maxProcesses: 2 });
  const speaker = createSpeaker({ espeak: installed ? espeak : undefined, media, tempDir: at('tmp') });
  const unused = { render: () => Promise.reject(new Error('no clip is rendered')) };
  sandbox = await createSandbox({ media: unused, speaker, port: 0, host: '127.0.0.1', dataDir: at('data') });
  openai = new OpenAI({ apiKey: 'k', baseURL: `${sandbox.url}/v1`, maxRetries: 0, timeout: DEADLINE_MS });
});
afterAll(async () => {
  await sandbox.close();
  await folder.remove();
});
beforeEach(async () => {
  await scenario({});
  await fetch(`${sandbox.url}/sandbox/invoice`, { method: 'DELETE' });
});

describe('the speech of the sandbox', () => {
  it.each(FORMATS.filter((format) => format !== 'pcm'))(
    'in %s can be decoded, and is as long as in WAV',
    async (format) => {
      const seconds = await secondsOf(await speech());
      expect(await secondsOf(await speech({ response_format: format }))).toBeCloseTo(seconds, 0);
    },
  );

  it('in PCM has the samples of the WAV, whose header is that of a stream', async () => {
    const wav = await speech();
    expect(wav.readUInt32LE(40)).toBe(0xffff_ffff);
    expect(await speech({ response_format: 'pcm' })).toEqual(wav.subarray(44));
    expect(await speech()).toEqual(wav);
  });

  it('depends on the text, the voice and the speed, in any language', async () => {
    const usual = await speech();
    expect(await secondsOf(await speech({ speed: 2 }))).toBeLessThan((await secondsOf(usual)) * 0.8);
    expect((await speech({ input: 'Another text.' })).equals(usual)).toBe(false);
    if (installed) expect((await speech({ voice: 'onyx' })).equals(usual)).toBe(false);
    for (const input of ['水壶在早上五点唱歌。', 'กาต้มน้ำร้องเพลง', 'ꦱꦼꦭꦩꦠ꧀']) await secondsOf(await speech({ input }));
  });

  it('is streamed as events with the tokens that it is charged for', async () => {
    const body: Params = { model: 'gpt-4o-mini-tts', voice: 'marin', input: HELLO, stream_format: 'sse' };
    const events = (await (await openai.audio.speech.create(body)).text())
      .split('\n\n')
      .filter((line) => line.startsWith('data: '))
      .map(
        (line) =>
          JSON.parse(line.slice(6)) as { type: string; usage?: { input_tokens: number; output_tokens: number } },
      );
    expect(events.map(({ type }) => type)).toEqual([
      ...events.slice(1).map(() => 'speech.audio.delta'),
      'speech.audio.done',
    ]);
    const { input_tokens: input, output_tokens: output } = events.at(-1)!.usage!;
    const [{ amountUsd } = { amountUsd: 0 }] = (await invoice()).speech;
    expect(Math.round(amountUsd * 1e6)).toBe(Math.ceil(0.6 * input + 12 * output));
  });

  it.each<[string, Partial<Params>, number, RegExp]>([
    ['an unknown voice', { voice: 'brian' }, 400, /Input should be 'alloy', 'ash'/],
    ['a text that is too long', { input: 'a'.repeat(4097) }, 400, /at most 4096 characters/],
    ['a speed that is too high', { speed: 5 }, 400, /less than or equal to 4/],
    ['an unknown model', { model: 'tts-9' }, 404, /does not exist/],
  ])('is refused for %s, without a charge', async (_what, more, status, message) => {
    const error = await refused(more);
    expect({ status: error.status, message: error.message }).toEqual({
      status,
      message: expect.stringMatching(message) as unknown,
    });
    expect((await invoice()).speech).toEqual([]);
  });

  it('is limited, lost and refused as the scenario says', async () => {
    await scenario({ rateLimit: { perMinute: 0.001, retryAfterSeconds: 9 } });
    await speech();
    const limited = await refused({});
    expect([limited.status, limited.code, limited.headers?.get('retry-after')]).toEqual([
      429,
      'rate_limit_exceeded',
      '9',
    ]);
    await scenario({ rejectPrompts: 'kettle' });
    expect(await refused({})).toMatchObject({ status: 400, code: 'content_policy_violation' });
    await scenario({ loseReplies: 1 });
    expect((await refused({})).status).toBeUndefined();
    expect((await invoice()).speech).toHaveLength(2);
  });
});
