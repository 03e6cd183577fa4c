import { describe, expect, it } from '@jest/globals';
import {
  CancelRequested,
  ClipFailed,
  ClipGenerated,
  DRAFT_MODEL,
  type PlanEdit,
  RetryRequested,
  SpeechSpeak,
  StallNoticed,
  VideoStitched,
} from '@clipmesh/contracts';
import { base, clipsIn, decide, failureOf, FIRST, planWritten } from '../../test/director.samples.js';
import { answerTo, approved, edit, eventOf, fileOf, job, names, plan, run, videoOf } from '../../test/draft.samples.js';
import { editPlan, isEditable } from '../plan/plan.review.js';
import { initialState } from './director.js';
import { approveDraft } from './draft.edit.js';

const draft = run(initialState(job), planWritten(job)).state;

describe('a draft', () => {
  it('has its video, drawn by the free model without regard to the cap, and waits for its approval', () => {
    const { state, commands } = run(initialState(job), planWritten(job));
    expect(state).toMatchObject({ status: 'awaiting_approval', stage: 'export', run: 1, costMicros: 0 });
    expect(state.result).toMatchObject({ draft: true, video: videoOf(DRAFT_MODEL, plan) });
    expect(clipsIn(commands).map(({ model, allowanceMicros }) => [model, allowanceMicros])).toEqual(
      plan.scenes.map(() => [DRAFT_MODEL, undefined]),
    );
    expect(state.scenes.every(({ status, predictionId }) => status === 'done' && predictionId === undefined)).toBe(
      true,
    );
  });

  it('reports its wait again when the report was lost', () => {
    const { outgoing } = decide(draft, { ...eventOf(VideoStitched, stitched()), id: draft.finishedBy ?? '' });
    expect(outgoing.map(({ body }) => body)).toMatchObject([{ status: 'awaiting_approval', progress: 100 }]);
  });

  it('fails with its scene, and continues with a retry, still free', () => {
    const { state } = run(initialState(job), planWritten(job), (command) => {
      const [clip] = clipsIn([command]);
      if (clip?.scene !== 0) return answerTo(command);
      const failure = failureOf('FFMPEG_FAILED');
      return eventOf(ClipFailed, { ...base, scene: 0, attempt: clip.attempt, model: DRAFT_MODEL, failure });
    });
    expect(state).toMatchObject({ status: 'failed', failure: { code: 'FFMPEG_FAILED', charged: false } });
    const retried = run(state, eventOf(RetryRequested, { ...base, run: 2 }));
    expect(names(retried.commands)).toEqual(['clip.generate 0', 'overlay.apply 0', 'stitch.render']);
    expect(clipsIn(retried.commands)).toMatchObject([{ model: DRAFT_MODEL }]);
    expect(retried.state).toMatchObject({ status: 'awaiting_approval', run: 2, result: { draft: true } });
  });

  it('can be canceled', () => {
    const { state } = decide(draft, eventOf(CancelRequested, { ...base, reason: '' }));
    expect(state.status).toBe('canceled');
    expect(approveDraft(state)).toBe(state);
  });
});

function stitched() {
  const { result } = draft;
  if (result === undefined) throw new Error('no draft');
  return { ...base, attempt: 1, result };
}

describe('an approval of a draft', () => {
  it('changes no plan, and buys the clip of every scene under the cap', () => {
    const { state, commands } = run(approveDraft(draft), approved);
    expect(state).toMatchObject({ status: 'succeeded', run: 2, plan: draft.plan });
    expect(state.result).toMatchObject({ video: videoOf(FIRST, plan) });
    expect(state.result?.draft).toBeUndefined();
    expect(state.previousResult).toBeUndefined();
    const clips = clipsIn(commands);
    expect(clips.map(({ model }) => model)).toEqual(plan.scenes.map(() => FIRST));
    expect(clips.every(({ allowanceMicros }) => allowanceMicros !== undefined)).toBe(true);
    // No command has the key of one of the draft.
    const steps = new Set(draft.scenes.map(({ index, attempt }) => `${index}.${attempt}`));
    for (const { scene, attempt } of clips) {
      expect(steps.has(`${scene}.${attempt}`)).toBe(false);
      expect(attempt).toBeGreaterThan(draft.scenes[scene]?.attempt ?? 0);
    }
  });

  it('keeps the video of the draft until the next one is finished', () => {
    expect(approveDraft(draft)).toMatchObject({ status: 'generating', previousResult: { draft: true } });
    expect(approveDraft(draft).result).toBeUndefined();
  });

  it('requests the same clips for a repeated event, and changes nothing', () => {
    const first = decide(approveDraft(draft), approved);
    const again = decide(first.state, approved);
    expect(clipsIn(first.outgoing)).toHaveLength(job.window);
    expect(again.state).toBe(first.state);
    expect(clipsIn(again.outgoing)).toEqual(clipsIn(first.outgoing));
  });

  it('keeps what is spoken, and asks again for what nobody speaks for free', () => {
    const script = 'It sings.';
    const spoken = { run: 1, attempt: 1, script, durationSeconds: 4, cause: 'plan' };
    const result = { speech: fileOf('speech'), durationSeconds: 1, tempo: 1 };
    const speeches = [
      { ...spoken, status: 'spoken', result },
      { ...spoken, status: 'failed', freeOnly: true },
    ] as const;
    const state = {
      ...draft,
      job: { ...job, voiceover: { sceneMaxMicros: 0 } },
      plan: {
        ...plan,
        scenes: plan.scenes.map((scene, index) => ({ ...scene, script: index < 2 ? script : undefined })),
      },
      scenes: draft.scenes.map((scene, index) => ({ ...scene, speech: speeches[index] })),
    };
    const begun = decide(approveDraft(state), approved);
    const [first, second, third] = begun.state.scenes.map(({ speech }) => speech);
    expect(first).toEqual(speeches[0]);
    expect(second).toMatchObject({ status: 'pending', run: 2, attempt: 2 });
    expect(third).toBeUndefined();
    const asked = begun.outgoing.filter(({ definition }) => definition === SpeechSpeak).map(({ body }) => body);
    expect(asked).toMatchObject([{ scene: 1, attempt: 2 }]);
    expect(asked[0]).not.toHaveProperty('freeOnly');
  });

  it('starts at the next stall when its event was lost', () => {
    const stall = eventOf(StallNoticed, { ...base, revival: 1, idleMs: 1, revive: true });
    expect(clipsIn(decide(approveDraft(draft), stall).outgoing)).toHaveLength(job.window);
  });

  it('fails with the cap when no clip fits into it', () => {
    const poor = { ...draft, job: { ...job, maxCostMicros: 1 } };
    expect(decide(approveDraft(poor), approved).state).toMatchObject({
      status: 'failed',
      failure: { code: 'BUDGET_EXCEEDED' },
    });
  });

  it('ignores a late answer of the draft', () => {
    const begun = decide(approveDraft(draft), approved).state;
    const late = { ...base, scene: 0, model: DRAFT_MODEL, cached: false, clip: fileOf('late') };
    for (let attempt = 1; attempt <= (draft.scenes[0]?.attempt ?? 0); attempt += 1)
      expect(decide(begun, eventOf(ClipGenerated, { ...late, attempt })).state).toBe(begun);
  });

  it.each(['queued', 'generating', 'failed', 'succeeded'] as const)('does nothing to one that is %s', (status) => {
    const state = { ...draft, status };
    expect(approveDraft(state)).toBe(state);
  });
});

describe('an edit of a draft', () => {
  it.each<[string, PlanEdit, string[]]>([
    [
      'a description',
      { scenes: [{ index: 1, description: 'A kettle at dawn' }] },
      ['clip.generate 1', 'overlay.apply 1', 'stitch.render'],
    ],
    [
      'a length',
      { scenes: [{ index: 0, durationSeconds: 5 }] },
      ['clip.generate 0', 'overlay.apply 0', 'stitch.render'],
    ],
    ['a text', { scenes: [{ index: 2, overlay: { text: 'Sing' } }] }, ['overlay.apply 2', 'stitch.render']],
    ['a text that goes', { scenes: [{ index: 2, overlay: null }] }, ['overlay.apply 2', 'stitch.render']],
    [
      'the style',
      { style: { mood: 'calm' } },
      [0, 1, 2]
        .flatMap((scene) => [`clip.generate ${scene}`, `overlay.apply ${scene}`])
        .concat('stitch.render')
        .sort(),
    ],
    ['a transition instead of another', { scenes: [{ index: 2, transition: 'wipe' }] }, ['stitch.render']],
    [
      'a cut instead of a transition',
      { scenes: [{ index: 1, transition: 'cut' }] },
      ['overlay.apply 0', 'overlay.apply 1', 'stitch.render'],
    ],
    ['the title', { title: 'Morning song' }, []],
    ['nothing', {}, []],
  ])('of %s makes only what it changes', (_what, change, expected) => {
    const { state, event } = edit(draft, change);
    const again = run(state, event);
    expect(names(again.commands).sort()).toEqual([...expected].sort());
    const now = editPlan(plan, change);
    expect(again.state).toMatchObject({ status: 'awaiting_approval', plan: now, run: expected.length === 0 ? 1 : 2 });
    expect(again.state.result).toMatchObject({ draft: true, video: videoOf(DRAFT_MODEL, now) });
  });

  it('that comes while the draft is being made replaces the work in progress', () => {
    const { state: start, outgoing } = decide(initialState(job), planWritten(job));
    expect(isEditable(start)).toBe(true);
    const { state, event } = edit(start, { scenes: [{ index: 0, description: 'A kettle at dawn' }] });
    const restarted = decide(state, event);
    expect(clipsIn(restarted.outgoing)).toMatchObject([{ scene: 0, attempt: 2 }]);
    const [old] = outgoing.flatMap((one) => answerTo(one) ?? []);
    if (old === undefined) throw new Error('no clip');
    expect(decide(restarted.state, old).state).toBe(restarted.state);
  });

  it('is no longer possible once the draft is approved', () => {
    expect(isEditable(draft)).toBe(true);
    expect(isEditable(approveDraft(draft))).toBe(false);
  });
});
