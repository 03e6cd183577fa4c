import { SAMPLE_MODELS } from '@clipmesh/testing';
import { describe, expect, it } from '@jest/globals';
import {
  createGenerationSchema,
  type GenerationResult,
  type GenerationState,
  type Incident,
  type Plan,
  type SceneState,
} from '@clipmesh/contracts';
import { initialState, planFromTemplate } from '@clipmesh/pipeline';
import { acceptedOf, linksOf, presentOf } from './generation.view.js';
import { buildJob } from '../jobs/job.builder.js';
import { triesOf } from './scene.tries.js';

const defaults = {
  models: ['google/veo-3.1'],
  table: SAMPLE_MODELS,
  parallelEnabled: true,
  maxWorkers: 4,
  fallbackAfter: 3,
};
const job = buildJob(createGenerationSchema.parse({ prompt: 'A kettle that sings.' }), defaults);
const start = initialState(job);
const plan: Plan = planFromTemplate(job);
const artifact = { key: `aa/${'a'.repeat(64)}.mp4`, sha256: 'a'.repeat(64), bytes: 1, contentType: 'video/mp4' };
const result: GenerationResult = {
  video: artifact,
  thumbnail: artifact,
  durationSeconds: 15,
  width: 720,
  height: 1280,
};
const id = `gen_${'1'.repeat(32)}`;

describe('links', () => {
  const always = ['self', 'events', 'cost'];
  it.each<[string, Partial<GenerationState>, string[]]>([
    ['queued', {}, ['cancel']],
    ['planning', { status: 'planning' }, ['cancel']],
    ['awaiting approval', { status: 'awaiting_approval', plan }, ['plan', 'approve', 'cancel']],
    ['approved', { status: 'awaiting_approval', approved: true, plan }, ['plan', 'cancel']],
    ['generating', { status: 'generating', plan }, ['plan', 'cancel']],
    [
      'regenerating a scene',
      { status: 'generating', plan, previousResult: result, run: 2 },
      ['plan', 'video', 'thumbnail', 'cancel'],
    ],
    ['succeeded', { status: 'succeeded', plan, result }, ['plan', 'video', 'thumbnail', 'captions', 'performance']],
    ['failed', { status: 'failed', plan }, ['plan', 'performance', 'retry']],
    ['failed before its plan', { status: 'failed' }, ['performance', 'retry']],
    ['canceled', { status: 'canceled', plan }, ['plan', 'performance']],
  ])('of a generation that is %s contain what is possible now', (_what, change, offered) => {
    const links = linksOf(id, { ...start, ...change, job: { ...job, review: true } });
    expect(Object.keys(links).sort()).toEqual([...always, ...offered].sort());
    for (const path of Object.values(links)) expect(path).toMatch(new RegExp(`^/v1/generations/${id}`));
  });
});

it('an approved plan no longer waits', () => {
  const approved: GenerationState = { ...start, status: 'awaiting_approval', approved: true, plan };
  expect(presentOf(approved)).toEqual({ status: 'generating', stage: 'clip' });
  expect(acceptedOf(id, approved).status).toBe('generating');
  expect(presentOf({ ...approved, status: 'canceled' }).status).toBe('canceled');
});

describe('the attempts of a scene', () => {
  const scene: SceneState = { index: 0, status: 'waiting', attempt: 0, modelIndex: 0, cached: false, costMicros: 0 };
  const incident = (kind: Incident['kind'], code: Incident['code'], more: Partial<Incident> = {}): Incident => ({
    ...{ id: `${kind}.${code}`, at: '2026-01-01T00:00:00.000Z', kind, stage: 'clip', scene: 0 },
    ...(code === undefined ? {} : { code }),
    ...more,
  });
  const retried = incident('retried', 'PREDICTION_FAILED');

  it.each<[string, Partial<SceneState>, Incident[], number]>([
    ['waits', {}, [], 0],
    ['is being generated', { status: 'generating', attempt: 1 }, [], 1],
    ['has its clip', { status: 'composing', attempt: 2, clip: artifact }, [], 1],
    ['is done', { status: 'done', attempt: 2, clip: artifact }, [], 1],
    ['is done from the cache', { status: 'done', attempt: 2, clip: artifact, cached: true }, [], 1],
    ['was retried once', { status: 'done', attempt: 2, clip: artifact }, [retried], 2],
    [
      'fell back to the next model',
      { status: 'done', attempt: 3, clip: artifact },
      [retried, incident('failed', 'PREDICTION_FAILED')],
      3,
    ],
    ['failed', { status: 'failed', attempt: 1 }, [retried, retried, incident('failed', 'PREDICTION_FAILED')], 3],
    [
      'was rate-limited',
      { status: 'done', attempt: 2, clip: artifact },
      [incident('retried', 'PROVIDER_RATE_LIMITED')],
      1,
    ],
    ['had no budget left', { status: 'failed', attempt: 1 }, [incident('failed', 'BUDGET_EXCEEDED')], 1],
    [
      'has an overlay that was retried',
      { status: 'done', attempt: 2, clip: artifact },
      [incident('retried', 'FFMPEG_FAILED', { stage: 'overlay' })],
      1,
    ],
    ['is next to a retried scene', { status: 'done', attempt: 2, clip: artifact }, [{ ...retried, scene: 1 }], 1],
    ['was canceled', { status: 'canceled', attempt: 1 }, [], 1],
  ])('that %s', (_what, change, incidents, tries) => {
    expect(triesOf({ incidents }, { ...scene, ...change })).toBe(tries);
  });
});
