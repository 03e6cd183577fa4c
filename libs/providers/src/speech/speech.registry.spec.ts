import { describe, expect, it } from '@jest/globals';
import { type LocalSynthesizer } from './espeak.speech.model.js';
import { openSpeech, type SpeechSettings } from './speech.registry.js';

const settings: SpeechSettings = {
  ...{ speechProvider: 'auto', speechModel: 'tts-1', speechVoice: undefined, speechInstructions: undefined },
  ...{ speechPrice: undefined, speechTimeoutMs: 1000, speechMaxBytes: 1000 },
};
const server = { baseUrl: 'http://127.0.0.1:1/v1', apiKey: 'k' };
const installed: LocalSynthesizer = {
  version: () => Promise.resolve('1.51'),
  speak: () => Promise.resolve({ bytes: 1 }),
};
const missing: LocalSynthesizer = {
  ...installed,
  version: () => Promise.reject(new Error('espeak-ng cannot be run. Install espeak-ng.')),
};
const log = { info: () => undefined, warn: () => undefined };
const open = (speechProvider: SpeechSettings['speechProvider'], has: { server?: boolean; program?: boolean }) =>
  openSpeech(
    { ...settings, speechProvider },
    { server: has.server ? server : undefined, synthesizer: has.program ? installed : missing, log },
  );

describe('who speaks', () => {
  it.each([
    ['auto', { server: true, program: true }, 'openai'],
    ['auto', { server: true }, 'openai'],
    ['auto', { program: true }, 'espeak-ng'],
    ['openai', { server: true, program: true }, 'openai'],
    ['espeak-ng', { server: true, program: true }, 'espeak-ng'],
  ] as const)('is, for %s with %j: %s', async (chosen, has, name) => {
    expect(await open(chosen, has)).toMatchObject({ kind: 'available', model: { name } });
  });

  it.each([
    ['auto', {}, /No speech API is set.*Install espeak-ng.*SPEECH_API_KEY/],
    ['none', { server: true, program: true }, /SPEECH_PROVIDER is none/],
  ] as const)('is nobody for %s with %j, with a reason', async (chosen, has, reason) => {
    const speech = await open(chosen, has);
    expect(speech).toEqual({ kind: 'unavailable', reason: expect.stringMatching(reason) as unknown });
  });

  it.each([
    ['openai', { program: true }, /SPEECH_PROVIDER is openai, but no key is set\. Set SPEECH_API_KEY/],
    ['espeak-ng', { server: true }, /SPEECH_PROVIDER is espeak-ng, but espeak-ng cannot be run. Install/],
  ] as const)('must be there when the setting names %s', async (chosen, has, message) => {
    await expect(open(chosen, has)).rejects.toThrow(message);
  });
});

describe('a model', () => {
  it('has cache keys that depend on everything that changes the sound, and on nothing else', async () => {
    const speech = await open('auto', { server: true });
    if (speech.kind !== 'available') throw new Error('no speech');
    const { model } = speech;
    const key = (request: object): string => JSON.stringify(model.cacheInput({ text: 'a', ...request }));
    expect(key({ voice: 'alloy', speed: 1, language: 'en' })).toBe(key({}));
    expect(new Set([key({}), key({ voice: 'x' }), key({ speed: 2 }), key({ text: 'b' })]).size).toBe(4);
    const other = await openSpeech(
      { ...settings, speechInstructions: 'softly' },
      { server, synthesizer: missing, log },
    );
    expect(other.kind === 'available' && JSON.stringify(other.model.cacheInput({ text: 'a' }))).not.toBe(key({}));
  });

  it('of espeak-ng is free, and has other cache keys for other languages and versions', async () => {
    const speech = await open('espeak-ng', { program: true });
    if (speech.kind !== 'available') throw new Error('no speech');
    const { model } = speech;
    expect([model.guarantee, model.quote({ text: 'a' })]).toEqual(['free', { sku: 'free', micros: 0 }]);
    expect(model.charge({ key: 'k', request: { text: 'a' }, outcome: 'succeeded' })).toBeUndefined();
    expect(model.cacheInput({ text: 'a', language: 'de' })).toEqual({
      ...{ version: '1.51', text: 'a', language: 'de', speed: 1, voice: undefined },
    });
  });
});
