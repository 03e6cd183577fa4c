import { SAMPLE_MODELS } from '@clipmesh/testing';
import { describe, expect, it } from '@jest/globals';
import { type ClipGenerateBody } from '@clipmesh/contracts';
import { type Purchase } from '@clipmesh/persistence';
import {
  afterUnknowable,
  fingerprintOf,
  nextStep,
  type StoredPurchase,
  type UnknownPurchases,
} from './purchase.rules.js';

const generationId = `gen_${'1'.repeat(32)}`;
const at = '2026-01-01T00:00:00.000Z';
const body: ClipGenerateBody = {
  generationId,
  attempt: 1,
  scene: 2,
  model: 'google/veo-3.1',
  prompt: 'a kettle',
  durationSeconds: 4,
  aspectRatio: '16:9',
  seed: 7,
};
const artifact = { key: `ab/${'a'.repeat(64)}.mp4`, sha256: 'a'.repeat(64), bytes: 1, contentType: 'video/mp4' };
const entry = (change: Partial<Purchase>): StoredPurchase => ({
  revision: '1',
  value: {
    key: 'clip.1',
    generationId,
    kind: 'clip',
    status: 'intended',
    model: body.model,
    scene: body.scene,
    fingerprint: fingerprintOf(body),
    request: { ...body, attemptKey: 'clip.1' },
    createdAt: at,
    updatedAt: at,
    ...change,
  },
});
const rules = { outcomeTimeouts: { callTimeoutMs: 30_000, settleMs: 3000 }, models: SAMPLE_MODELS };
const certain = (ms: number): { certainAtMs: number } => ({ certainAtMs: Date.parse(at) + ms });

describe('the next step for a clip', () => {
  it.each<[string, Partial<Purchase>[], object]>([
    ['nothing was bought', [], { kind: 'buy', key: `clip.${generationId}.2.1` }],
    ['it is paid for and stored', [{ status: 'finished', predictionId: 'p', artifact }], { kind: 'use' }],
    ['it is paid for, but not stored', [{ status: 'finished', predictionId: 'p' }], { kind: 'attach' }],
    ['it is bought', [{ status: 'submitted', predictionId: 'p' }], { kind: 'attach' }],
    ['the call may be in progress', [{ status: 'intended' }], { kind: 'search', ...certain(33_000) }],
    ['the call ended without an answer', [{ status: 'unanswered' }], { kind: 'search', ...certain(3000) }],
    ['it failed', [{ status: 'failed', predictionId: 'p' }], { kind: 'buy', key: `clip.${generationId}.2.2` }],
    ['it was canceled', [{ status: 'canceled' }], { kind: 'buy', key: `clip.${generationId}.2.2` }],
    ['another scene has one', [{ status: 'finished', predictionId: 'p', artifact, scene: 1 }], { kind: 'buy' }],
    ['a plan was bought', [{ status: 'finished', kind: 'llm' }], { kind: 'buy', key: `clip.${generationId}.2.1` }],
    [
      'another picture was bought',
      [{ status: 'submitted', predictionId: 'p', fingerprint: 'x', request: { ...body, seed: 9, attemptKey: 'k' } }],
      { kind: 'buy' },
    ],
    ['another model has an unknown outcome', [{ status: 'unanswered', fingerprint: 'x' }], { kind: 'search' }],
    ['another model has failed', [{ status: 'failed', fingerprint: 'x' }], { kind: 'buy' }],
    [
      'the most advanced of several purchases counts',
      [{ status: 'unanswered' }, { status: 'submitted', predictionId: 'p' }, { status: 'failed' }],
      { kind: 'attach', entry: { value: { predictionId: 'p' } } },
    ],
  ])('%s', (_name, changes, step) => {
    expect(nextStep(changes.map(entry), body, rules)).toMatchObject(step);
  });

  it('does not reuse a purchase with another reference image', () => {
    const pictured = { ...body, referenceImage: artifact };
    const bought = { model: 'google/veo-3', status: 'submitted', predictionId: 'p', fingerprint: 'x' } as const;
    const kindOf = (request: object): string => nextStep([entry({ ...bought, request })], pictured, rules).kind;
    expect(kindOf({ ...body, attemptKey: 'clip.1' })).toBe('buy');
    expect(kindOf({ ...pictured, attemptKey: 'clip.1' })).toBe('attach');
  });

  it.each<[string, string, number, string]>([
    ['the same model, longer', 'google/veo-3.1', 8, 'buy'],
    ['the same model, same length', 'google/veo-3.1', 4, 'use'],
    ['a model without a shorter length', 'pixverse/pixverse-v5', 5, 'use'],
    ['a model with a shorter length', 'pixverse/pixverse-v5', 8, 'buy'],
  ])('compares the requested length: %s', (_name, model, durationSeconds, kind) => {
    const bought = entry({ status: 'finished', predictionId: 'p', artifact });
    expect(nextStep([bought], { ...body, model, durationSeconds }, rules).kind).toBe(kind);
  });

  it('has the same fingerprint for a later command of the scene, and another one for another picture', () => {
    expect(fingerprintOf({ ...body, attempt: 5, revival: 2 })).toBe(fingerprintOf(body));
    for (const change of [{ model: 'google/veo-3' }, { prompt: 'a pan' }, { durationSeconds: 6 }, { seed: 8 }])
      expect(fingerprintOf({ ...body, ...change })).not.toBe(fingerprintOf(body));
    const pictures = [artifact, { ...artifact, sha256: 'b'.repeat(64) }];
    const prints = pictures.map((referenceImage) => fingerprintOf({ ...body, referenceImage }));
    expect(new Set([fingerprintOf(body), ...prints]).size).toBe(3);
  });
});

describe('after a purchase whose outcome its provider cannot say', () => {
  it.each<[string, Partial<Purchase>[], UnknownPurchases, UnknownPurchases]>([
    ['the scene is bought once more', [], 'rebuy', 'rebuy'],
    ['the scene fails when the setting says so', [], 'fail', 'fail'],
    ['a second one of the same command fails the scene', [{ unknowable: { attempt: 1 } }], 'rebuy', 'fail'],
    ['one of an earlier command does not count', [{ unknowable: { attempt: 2 } }], 'rebuy', 'rebuy'],
    ['one of another scene does not count', [{ scene: 1, unknowable: { attempt: 1 } }], 'rebuy', 'rebuy'],
    ['another failure does not count', [{ status: 'failed' }], 'rebuy', 'rebuy'],
  ])('%s', (_name, changes, setting, next) => {
    expect(afterUnknowable([{}, ...changes].map(entry), body, setting)).toBe(next);
  });
});
