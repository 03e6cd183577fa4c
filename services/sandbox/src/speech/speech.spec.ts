import { describe, expect, it } from '@jest/globals';
import { speechMicros } from '../control/pricing.js';
import { ScenarioStore } from '../control/scenario.store.js';
import { SPEECH_ANSWERS } from '../control/answer.forms.js';
import { SPEECH_SERVERS, speechRefusal, type SpeechFields } from './speech.servers.js';
import { variantOf, VOICES } from './speech.voices.js';
import { secondsOf, toneSeconds, toneWav } from './tone.wav.js';

const fields: SpeechFields = { model: 'tts-1', input: 'hello', voice: 'alloy', response_format: 'wav' };

describe('tones', () => {
  it('are a WAV with a duration based on the text and the speed', () => {
    const wav = toneWav('x'.repeat(50));
    expect(wav.toString('ascii', 0, 4)).toBe('RIFF');
    expect(secondsOf(wav.subarray(44))).toBeCloseTo(3);
    expect(secondsOf(toneWav('x'.repeat(50), 2).subarray(44))).toBeCloseTo(1.5);
    expect([toneSeconds('x'), toneSeconds('x'.repeat(9000))]).toEqual([0.5, 120]);
  });
});

describe('a server of the speech API', () => {
  it.each([
    ['openai', {}, undefined],
    [
      'openai',
      { voice: 'brian' },
      /'loc': \('body', 'voice'\).*Input should be 'alloy', .* or 'verse'.*'input': 'brian'/,
    ],
    ['openai', { input: 'a'.repeat(4097) }, /string_too_long.*at most 4096 characters/],
    ['openai', { input: '🎉'.repeat(4096) }, undefined],
    ['openai', { input: '' }, /string_too_short/],
    ['openai', { speed: 0.2 }, /greater than or equal to 0.25/],
    ['openai', { speed: 4.1 }, /less than or equal to 4/],
    ['openai', { response_format: 'ogg' }, /'response_format'\).*'mp3', 'opus'/],
    ['openai', { stream_format: 'sse' }, /stream_format/],
    ['openai', { model: 'gpt-4o-mini-tts', stream_format: 'sse' }, undefined],
    ['kokoro', { instructions: 'x', stream_format: 'sse', speed: 9 }, undefined],
    ['kokoro', { voice: 'brian' }, /"detail".*Voice 'brian' not found/],
    ['groq', {}, undefined],
    ['groq', { response_format: undefined }, /response_format must be one of \[wav\]/],
    ['strict', {}, /literal_error.*response_format.*'mp3', 'opus', 'aac' or 'flac'/],
    ['strict', { response_format: 'flac' }, undefined],
    ['strict', { response_format: 'flac', instructions: 'x' }, /extra_forbidden.*instructions/],
  ] as const)('%s refuses %j as %s', (server, change, refusal) => {
    const body = speechRefusal(server, { ...fields, ...change })?.body;
    if (refusal === undefined) expect(body).toBeUndefined();
    else expect(JSON.stringify(body)).toMatch(refusal);
  });

  it('takes a usual request in one of its forms', () => {
    for (const server of SPEECH_SERVERS)
      expect(
        ['wav', 'mp3'].some((format) => speechRefusal(server, { ...fields, response_format: format }) === undefined),
      ).toBe(true);
  });
});

describe('speech', () => {
  it('has a price for each model of OpenAI, and is free elsewhere', () => {
    const tokens = { input: 4, output: 41 };
    const cost = (model: string): number => speechMicros(model, 100, tokens);
    expect(['tts-1', 'tts-1-hd', 'gpt-4o-mini-tts', 'gpt-4o-mini-tts-2025-12-15', 'kokoro'].map(cost)).toEqual([
      ...[1500, 3000, 495, 495, 0],
    ]);
  });

  it('has its own sound for each voice', () => {
    expect(new Set(VOICES.map(variantOf)).size).toBe(VOICES.length);
    expect(variantOf('af_heart')).toBe(variantOf('alloy'));
  });

  it('has the answers and losses of the scenario', () => {
    const scenarios = new ScenarioStore();
    scenarios.set({ speechAnswers: [...SPEECH_ANSWERS], loseReplies: 0.5 });
    const taken = [...SPEECH_ANSWERS, 'more'].map(() => scenarios.takeSpeech());
    expect(taken.map(({ answer }) => answer)).toEqual([...SPEECH_ANSWERS, 'audio']);
    expect(taken.map(({ losesReply }) => losesReply).slice(0, 4)).toEqual([false, true, false, true]);
  });
});
