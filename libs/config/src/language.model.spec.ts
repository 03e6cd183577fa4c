import { describe, expect, it } from '@jest/globals';
import { hasLanguageModel } from './language.model.js';

describe('plans', () => {
  it.each([
    { OPENAI_API_KEY: 'sk' },
    { OPENAI_API_KEY: 'sk', OPENAI_BASE_URL: 'https://api.openai.com/v1' },
    { OPENAI_BASE_URL: 'http://127.0.0.1:11434/v1' },
    { OPENAI_API_KEY: '', OPENAI_BASE_URL: 'http://10.0.0.7:8000/v1' },
    { OPENAI_BASE_URL: 'https://api.openai.com.example/v1' },
    { OPENAI_BASE_URL: 'no address' },
  ])('come from a language model: %j', (env) => {
    expect(hasLanguageModel(env)).toBe(true);
  });

  it.each([
    {},
    { OPENAI_API_KEY: '', OPENAI_BASE_URL: '' },
    { OPENAI_BASE_URL: 'https://api.openai.com/v1' },
    { OPENAI_BASE_URL: 'https://API.OpenAI.com/v1/' },
  ])('come from templates: %j', (env) => {
    expect(hasLanguageModel(env)).toBe(false);
  });
});
