import { describe, expect, it } from '@jest/globals';
import { firstSpeechForm, type SpeechForm, weakerSpeechForm } from './speech.form.js';

const first = firstSpeechForm(true);
const plain = firstSpeechForm(false);
const literal = (formats: string): string =>
  `422 [{"type":"literal_error","loc":["body","response_format"],"msg":"Input should be ${formats}","input":"wav"}]`;
const extra = (field: string): string =>
  `422 [{"type":"extra_forbidden","loc":["body","${field}"],"msg":"Extra inputs are not permitted","input":"x"}]`;

describe('a refused speech request', () => {
  it.each<[string, number, string, SpeechForm, Partial<SpeechForm> | undefined]>([
    // Groq: github.com/roryeckel/wyoming_openai/issues/43, github.com/livekit/agents-js/issues/650.
    [
      'Groq, of a format',
      400,
      '400 response_format must be one of [flac mp3 mulaw ogg wav]',
      { ...plain, format: 'opus' },
      { format: 'flac' },
    ],
    ['Groq, of all formats but one', 400, '400 response_format must be one of [mp3]', plain, { format: 'mp3' }],
    ['FastAPI, of a format', 422, literal("'mp3', 'opus', 'aac' or 'flac'"), plain, { format: 'flac' }],
    ['FastAPI, of formats in words', 422, literal("'mp3' or 'opus'"), plain, { format: 'mp3' }],
    ['a server that names no other format', 400, '400 Unsupported response format: wav', plain, { format: 'flac' }],
    ['FastAPI, of instructions', 422, extra('instructions'), plain, { instructions: false }],
    // github.com/debpalash/VoiceStudio/issues/1010.
    [
      'VoiceStudio, of instructions',
      400,
      '400 Unsupported instruct items found in calm documentary',
      plain,
      { instructions: false },
    ],
    ['FastAPI, of a speed', 422, extra('speed'), plain, { speed: false }],
    ['FastAPI, of events', 422, extra('stream_format'), first, { events: false }],
    [
      "OpenAI's tts-1, of events",
      400,
      "400 stream_format 'sse' is not supported for this model",
      first,
      { events: false },
    ],
    // github.com/openai/openai-node/issues/1284.
    [
      'OpenAI, of a voice',
      400,
      "400 [{'type': 'enum', 'loc': ('body', 'voice'), 'msg': \"Input should be 'nova', 'shimmer' or 'alloy'\", 'input': 'sage'}]",
      plain,
      undefined,
    ],
    // github.com/metadist/synaplan/issues/1665.
    [
      'OpenAI, of a long text',
      400,
      "400 [{'type': 'string_too_long', 'loc': ('body', 'input'), 'msg': 'String should have at most 4096 characters', 'ctx': {'max_length': 4096}}]",
      plain,
      undefined,
    ],
    // github.com/troykelly/live-news-break/issues/222.
    [
      'OpenAI, of many tokens',
      400,
      '400 Input of 2132 tokens is over the maximum input limit of 2000 tokens. Please shorten your input.',
      plain,
      undefined,
    ],
    ['a speed that is too high', 400, '400 speed must be between 0.5 and 2.0', plain, undefined],
    ['Kokoro, of a voice', 400, "400 Voice 'x' not found. Available voices: af_heart, af_sky", plain, undefined],
    ['a wrong key', 401, '401 response_format must be one of [mp3]', plain, undefined],
    ['a rate limit', 429, '429 Rate limit reached', plain, undefined],
  ])('by %s, is asked without it or not at all', (_by, status, text, form, change) => {
    const next = weakerSpeechForm(form, { status, text });
    if (change === undefined) expect(next).toBeUndefined();
    else expect(next).toMatchObject(change);
  });

  it('becomes weaker with every refusal, until nothing is left', () => {
    let form: SpeechForm | undefined = first;
    const formats: unknown[] = [];
    for (let tries = 0; form !== undefined && tries < 20; tries += 1) {
      formats.push(form.format);
      const text = 'unsupported: response_format, stream_format, speed and instructions';
      form = weakerSpeechForm(form, { status: 400, text });
    }
    expect(form).toBeUndefined();
    expect(formats).toEqual(['wav', 'wav', 'flac', 'mp3', 'opus', 'aac', undefined, undefined, undefined]);
  });
});
