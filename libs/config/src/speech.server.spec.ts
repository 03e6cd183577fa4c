import { describe, expect, it } from '@jest/globals';
import { speechServer } from './speech.server.js';

const OPENAI = 'https://api.openai.com/v1';
const LOCAL = 'http://127.0.0.1:8880/v1';

describe('the speech API', () => {
  it.each<[string, Record<string, string>, ReturnType<typeof speechServer>]>([
    ['nothing', {}, undefined],
    ['empty variables', { SPEECH_API_KEY: '', SPEECH_BASE_URL: '', OPENAI_API_KEY: '' }, undefined],
    ['the key of OpenAI', { OPENAI_API_KEY: 'k' }, { baseUrl: OPENAI, apiKey: 'k' }],
    ['a key of its own', { OPENAI_API_KEY: 'k', SPEECH_API_KEY: 's' }, { baseUrl: OPENAI, apiKey: 's' }],
    ['another server', { SPEECH_BASE_URL: LOCAL }, { baseUrl: LOCAL, apiKey: undefined }],
    [
      'another server beside the key of OpenAI',
      { SPEECH_BASE_URL: LOCAL, OPENAI_API_KEY: 'k' },
      { baseUrl: LOCAL, apiKey: undefined },
    ],
    [
      'the server of the language model',
      { SPEECH_BASE_URL: LOCAL, OPENAI_BASE_URL: 'http://127.0.0.1:8880/llm', OPENAI_API_KEY: 'k' },
      { baseUrl: LOCAL, apiKey: 'k' },
    ],
    ['another language model server with a key', { OPENAI_BASE_URL: LOCAL, OPENAI_API_KEY: 'k' }, undefined],
    ['another language model server alone', { OPENAI_BASE_URL: LOCAL }, undefined],
    ['OpenAI without a key', { SPEECH_BASE_URL: `${OPENAI}/` }, undefined],
  ])('with %s', (_name, env, server) => {
    expect(speechServer(env)).toEqual(server);
  });
});
