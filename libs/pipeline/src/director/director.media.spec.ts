import { describe, expect, it } from '@jest/globals';
import {
  ClipFailed,
  ClipGenerate,
  ClipGenerated,
  eventNamed,
  type Failure,
  type GenerationState,
  type Job,
  type Outgoing,
  PlanFailed,
  RetryRequested,
  StallNoticed,
  StitchFailed,
} from '@clipmesh/contracts';
import { type DirectorEvent } from './director.event.js';
import { type Decision, initialState } from './director.js';
import {
  base,
  chargeOf,
  failureOf as failure,
  fileOf as file,
  FIRST,
  jobOf,
  NEXT_STEP,
  planWritten,
  SECOND,
  decide,
} from '../../test/director.samples.js';

const job = jobOf({ models: [FIRST, SECOND], window: 3 });
const charge = chargeOf();
let eventCount = 0;
const event = ({ name }: { name: string }, body: object): DirectorEvent =>
  ({ name, body: { ...base, ...body }, id: `${name}.${(eventCount += 1)}` }) as unknown as DirectorEvent;

const planned = (change: Partial<Job> = {}): Decision => decide(initialState({ ...job, ...change }), planWritten(job));
const of = ({ name }: { name: string }, outgoing: readonly Outgoing[]): object[] =>
  outgoing.filter(({ definition }) => definition.name === name).map(({ body }) => body);
const generated = (state: GenerationState, charges: readonly object[]): Decision =>
  decide(
    state,
    event(ClipGenerated, {
      scene: 0,
      attempt: state.scenes[0]?.attempt,
      model: 'google/veo-3.1',
      predictionId: 'p0',
      cached: false,
      clip: file('a'),
      charges,
    }),
  );

describe('a clip that cannot be used', () => {
  it.each<[Failure['code'], boolean]>([
    ['MEDIA_INVALID', true],
    ['DOWNLOAD_EXPIRED', true],
    ['PROVIDER_BAD_ANSWER', true],
    // The prediction is finished and can still be downloaded.
    ['DOWNLOAD_FAILED', false],
  ])('after %s falls back to the next model: %s', (code, isNext) => {
    const { state } = planned();
    const after = decide(
      state,
      event(ClipFailed, { scene: 0, attempt: 1, model: 'google/veo-3.1', failure: failure(code), charges: [charge] }),
    );
    expect(of(ClipGenerate, after.outgoing)).toMatchObject(
      isNext ? [{ scene: 0, attempt: 2, model: 'bytedance/seedance-1-lite' }] : [],
    );
    expect(after.state.scenes[0]).toMatchObject({ status: isNext ? 'generating' : 'failed', costMicros: 480_000 });
  });

  it.each<[Failure['code'], object | undefined]>([
    ['MEDIA_INVALID', { scene: 0, model: 'google/veo-3.1', rejectedPrediction: 'p0' }],
    ['ARTIFACT_MISSING', { scene: 0, model: 'google/veo-3.1' }],
    ['FFMPEG_FAILED', undefined],
  ])('that the next step rejects with %s is requested again by the next run: %j', (code, command) => {
    const { state } = generated(planned().state, [charge]);
    const { attempt } = state.scenes[0] ?? {};
    const done = state.scenes.map((scene) => (scene.index === 0 ? scene : { ...scene, status: 'done' as const }));
    const failed = decide(
      { ...state, scenes: done },
      event(eventNamed(NEXT_STEP.failed), { scene: 0, attempt, failure: failure(code, { stage: NEXT_STEP.stage }) }),
    );
    expect(failed.state).toMatchObject({ status: 'failed', failure: { code, charged: true } });
    const { outgoing } = decide(failed.state, event(RetryRequested, { run: 2 }));
    expect(of(ClipGenerate, outgoing)).toMatchObject(command === undefined ? [] : [command]);
    if (command !== undefined && !('rejectedPrediction' in command))
      expect(of(ClipGenerate, outgoing)[0]).not.toHaveProperty('rejectedPrediction');
    expect(of({ name: NEXT_STEP.command }, outgoing)).toHaveLength(command === undefined ? 1 : 0);
  });
});

describe('the charged flag of a failure', () => {
  const stateOf = (charges: readonly object[]): GenerationState => generated(planned().state, charges).state;
  it.each([
    [true, [charge]],
    [false, []],
  ])('%s', (charged, charges) => {
    const { state: fresh } = planned();
    const clip = event(ClipFailed, {
      scene: 0,
      attempt: 1,
      model: 'google/veo-3.1',
      failure: failure('PREDICTION_REFUSED'),
      charges,
    });
    expect(decide(fresh, clip).state.scenes[0]?.failure).toMatchObject({ charged });

    const state = stateOf(charges);
    const step = event(eventNamed(NEXT_STEP.failed), {
      scene: 0,
      attempt: 2,
      failure: failure('FFMPEG_FAILED', { stage: NEXT_STEP.stage }),
    });
    expect(decide(state, step).state.scenes[0]?.failure).toMatchObject({ charged });

    const joining: GenerationState = { ...state, status: 'composing', stitch: { attempt: 1, cause: 'x' } };
    const stitch = event(StitchFailed, { attempt: 1, failure: failure('FFMPEG_FAILED', { stage: 'stitch' }) });
    expect(decide(joining, stitch).state.failure).toMatchObject({ charged });

    const stalled = event(StallNoticed, { revive: false, revival: 1, idleMs: 1000 });
    expect(decide(state, stalled).state.failure).toMatchObject({ code: 'STALLED', charged });

    const plan = event(PlanFailed, {
      attempt: 1,
      failure: failure('PROVIDER_BAD_ANSWER', { stage: 'llm' }),
      charges: charges.map((entry) => ({ ...entry, key: 'completion:c', kind: 'llm', scene: undefined })),
    });
    expect(decide(initialState(job), plan).state.failure).toMatchObject({ charged });
  });
});
