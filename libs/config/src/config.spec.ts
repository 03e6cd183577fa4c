import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { ConfigError, envExample, loadConfig, settingsTable } from './config.js';
import { type Setting } from './setting.kinds.js';
import { SETTINGS } from './settings.js';

describe('config', () => {
  it('has a default for everything', () => {
    const config = loadConfig({});
    expect(config).toMatchObject({
      maxParallelVideoWorkers: 4,
      enableParallelVideoGeneration: true,
      videoGenerationTimeoutMs: 1_200_000,
      pollIntervalMs: 2000,
    });
    expect(Object.isFrozen(config)).toBe(true);
    expect(config.tempDir.startsWith(config.dataDir)).toBe(true);
  });

  it('names every invalid variable and no value', () => {
    const read = (): unknown =>
      loadConfig({ MAX_PARALLEL_VIDEO_WORKERS: 'sesame', API_KEYS: 'me:short', NATS_URL: 'http://x', LOG_LEVEL: '' });
    expect(read).toThrow(ConfigError);
    expect(read).toThrow(/NATS_URL: .*API_KEYS: .*MAX_PARALLEL_VIDEO_WORKERS: expected a whole number from 1 to 12/s);
    expect(read).not.toThrow(/sesame|short/);
  });

  it.each([
    ['nats://a:4222,nats://b:4222', undefined],
    [' nats://user:pw@a , nats://b ', undefined],
    ['nats://user:pw@a,nats://user:pw@b', undefined],
    ['tls://token@a,tls://b', undefined],
    ['nats://a,http://b', /expected addresses beginning with nats:\/\/ or tls:\/\//],
    [' , ', /expected addresses beginning/],
    ['nats://a,tls://b', /either nats:\/\/ or tls:\/\/ in all/],
    ['nats://user:pw@a,nats://user:sesame@b', /the same credentials/],
    ['nats://sesame@a,nats://other@b', /the same credentials/],
  ])('reads NATS_URL %s', (value, refused) => {
    const read = (): string => loadConfig({ NATS_URL: value }).natsUrl;
    if (refused === undefined) {
      expect(read()).toBe(value.replaceAll(' ', ''));
      return;
    }
    expect(read).toThrow(refused);
    expect(read).not.toThrow(/sesame/);
  });

  it('has unique variables', () => {
    const variables = Object.values<Setting>(SETTINGS).map(({ variable }) => variable);
    expect(new Set(variables).size).toBe(variables.length);
  });

  it('rejects a cache lease shorter than the longest retry delay', () => {
    const env = { CACHE_LEASE_SECONDS: '20', ACK_WAIT_SECONDS: '15', LLM_RETRY_MAX_SECONDS: '20' };
    expect(() => loadConfig(env)).toThrow(
      /CACHE_LEASE_SECONDS: expected longer than VIDEO_RETRY_MAX_SECONDS and LLM_RETRY_MAX_SECONDS$/,
    );
    expect(() => loadConfig({ ...env, VIDEO_RETRY_MAX_SECONDS: '19', LLM_RETRY_MAX_SECONDS: '19' })).not.toThrow();
  });

  it('requires both prices of the language model or neither', () => {
    expect(loadConfig({}).llmPrice).toBeUndefined();
    const env = { LLM_INPUT_PRICE_USD_PER_MTOK: '0.15', LLM_OUTPUT_PRICE_USD_PER_MTOK: '0' };
    expect(loadConfig(env).llmPrice).toEqual({ inputMicros: 150_000, outputMicros: 0 });
    expect(() => loadConfig({ LLM_INPUT_PRICE_USD_PER_MTOK: '1' })).toThrow(/expected both or none$/);
  });

  it('takes at most one price of speech', () => {
    expect(loadConfig({}).speechPrice).toBeUndefined();
    expect(loadConfig({ SPEECH_PRICE_USD_PER_MCHAR: '0' }).speechPrice).toEqual({ per: 'character', micros: 0 });
    expect(loadConfig({ SPEECH_PRICE_USD_PER_MINUTE: '0.015' }).speechPrice).toEqual({ per: 'minute', micros: 15_000 });
    const both = { SPEECH_PRICE_USD_PER_MCHAR: '15', SPEECH_PRICE_USD_PER_MINUTE: '1' };
    expect(() => loadConfig(both)).toThrow(
      /SPEECH_PRICE_USD_PER_MCHAR, SPEECH_PRICE_USD_PER_MINUTE: expected at most one$/,
    );
  });

  it('documents the default of every setting once', () => {
    for (const { doc, fallback } of Object.values<Setting>(SETTINGS))
      expect(doc.match(/Default: /g)?.length ?? 0).toBe(fallback === undefined || doc.includes('Default: ') ? 1 : 0);
  });

  it('matches .env.example exactly', () => {
    expect(readFileSync(new URL('../../../.env.example', import.meta.url), 'utf8')).toBe(envExample());
  });

  it('matches the table of docs/configuration.md', () => {
    const page = readFileSync(new URL('../../../docs/configuration.md', import.meta.url), 'utf8');
    const table = /<!-- prettier-ignore-start -->\n(.*)<!-- prettier-ignore-end -->/s.exec(page)?.[1];
    expect(table).toBe(settingsTable());
  });

  it('parses seconds to ms, trims list entries and checks the range of a number', () => {
    const config = loadConfig({ POLL_INTERVAL: '0.25', VIDEO_MODELS: ' a/b, ,c/d ', CLIP_CONCURRENCY: '64' });
    expect(config).toMatchObject({ pollIntervalMs: 250, videoModels: ['a/b', 'c/d'], clipConcurrency: 64 });
    expect(() => loadConfig({ MAX_PARALLEL_VIDEO_WORKERS: '13' })).toThrow(/at most 12/);
    expect(() => loadConfig({ POLL_INTERVAL: '-1' })).toThrow(/POLL_INTERVAL: expected a number from 0\.1 to 300$/);
    expect(() => loadConfig({ NATS_URL: 'http://x' })).toThrow(/ nats:\/\/ or tls:\/\//);
    expect(() => loadConfig({ OTEL_EXPORTER_OTLP_ENDPOINT: 'jaeger' })).toThrow(/OTEL_EXPORTER_OTLP_ENDPOINT/);
  });
});
