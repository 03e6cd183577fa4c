import { describe, expect, it } from '@jest/globals';
import { attemptKey } from '../predictions/attempt.key.js';
import { sizeOf } from '../predictions/clip.size.js';
import { advance, chargeMicros, type Prediction, type PredictionStatus } from '../predictions/prediction.lifecycle.js';
import { parseCancelAfterMs, parsePreferMs } from './prediction.request.js';
import { present } from './replicate.view.js';
import { completionMicros, speechMicros, usd } from '../control/pricing.js';
import { modelRecordSchema, versionOf } from '../models/model.record.js';

const model = modelRecordSchema.parse({
  id: 'a/b',
  source: 'invented',
  asOf: '2026-01-01',
  Input: { type: 'object', properties: { prompt: { type: 'string' } } },
  prices: [{ usdPerSecond: 0.12 }],
});
const starting: Prediction = {
  id: 'a',
  provider: 'replicate',
  model,
  version: versionOf(model),
  input: { prompt: 'p' },
  seconds: 6,
  key: 'k',
  webhookEvents: [],
  status: 'starting',
  createdAt: 0,
  startedAt: null,
  completedAt: null,
  failure: null,
};

describe('prediction lifecycle', () => {
  const processing = advance(starting, { type: 'start' }, 1000);

  it.each<[PredictionStatus, Prediction, number]>([
    ['processing', processing, 0],
    ['succeeded', advance(processing, { type: 'succeed' }, 3000), 720_000],
    ['failed', advance(processing, { type: 'fail', failure: { kind: 'other', text: 'x' } }, 3000), 0],
    ['failed', advance(processing, { type: 'fail', failure: { kind: 'output-refused' } }, 3000), 720_000],
    ['canceled', advance(processing, { type: 'cancel' }, 3000), 720_000],
    ['aborted', advance(starting, { type: 'cancel' }, 3000), 0],
  ])('charges a prediction that is %s', (status, prediction, micros) => {
    expect(prediction.status).toBe(status);
    expect(chargeMicros(prediction)).toBe(micros);
  });

  it('does not change a prediction that has ended, or succeed before the start', () => {
    const canceled = advance(processing, { type: 'cancel' }, 2000);
    expect(advance(canceled, { type: 'succeed' }, 3000)).toBe(canceled);
    expect(advance(starting, { type: 'succeed' }, 3000)).toBe(starting);
  });

  it('presents times, output and metrics of a success', () => {
    expect(present(advance(processing, { type: 'succeed' }, 3500), 'http://h')).toMatchObject({
      started_at: '1970-01-01T00:00:01.000Z',
      output: 'http://h/files/a.mp4',
      metrics: { predict_time: 2.5, video_output_duration_seconds: 6 },
    });
    expect(present(starting, 'http://h')).toMatchObject({ status: 'starting', output: null, metrics: {} });
  });
});

describe('create request', () => {
  it.each([
    ['16:9', { width: 640, height: 360 }],
    ['9:16', { width: 360, height: 640 }],
    ['1:1', { width: 640, height: 640 }],
    ['4:3', { width: 640, height: 480 }],
    ['auto', { width: 640, height: 360 }],
    [undefined, { width: 640, height: 360 }],
    ['1:9999', { width: 16, height: 640 }],
  ])('has the size of the aspect ratio %s', (ratio, size) => {
    expect(sizeOf(ratio)).toEqual(size);
  });

  it('reads the purchase key from webhook, input or metadata', () => {
    const input = { prompt: 'p', aspect_ratio: '16:9' as const };
    expect(attemptKey({ webhook: 'http://h/x?key=a', input: { ...input, clipmesh_key: 'b' } })).toBe('a');
    expect(attemptKey({ input: { ...input, clipmesh_key: 'b' } })).toBe('b');
    expect(attemptKey({ input, metadata: { key: 'c' } })).toBe('c');
    expect(attemptKey({ input })).toBeNull();
  });

  it.each([
    ['90', 90_000],
    ['30s', 30_000],
    ['5m', 300_000],
    ['1h30m', 5_400_000],
    ['soon', undefined],
    ['', undefined],
  ])('Cancel-After %s', (header, ms) => {
    expect(parseCancelAfterMs(header)).toBe(ms);
  });

  it.each([
    [undefined, 0],
    ['wait', 60_000],
    ['wait=3', 3000],
    ['wait=600', 60_000],
  ])('Prefer %s', (header, ms) => {
    expect(parsePreferMs(header)).toBe(ms);
  });
});

describe('prices', () => {
  it('rounds up to whole micro-dollars', () => {
    expect(completionMicros(1, 0)).toBe(1);
    expect(completionMicros(1000, 500)).toBe(450);
    expect(speechMicros('tts-1', 10, { input: 3, output: 20 })).toBe(150);
    expect(usd(450)).toBe(0.00045);
  });
});
