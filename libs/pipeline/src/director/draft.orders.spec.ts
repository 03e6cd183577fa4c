import { describe, expect, it } from '@jest/globals';
import {
  DRAFT_MODEL,
  type GenerationState,
  isDraft,
  type Outgoing,
  OverlayApply,
  OverlayFailed,
  type PlanEdit,
  RetryRequested,
  StallNoticed,
} from '@clipmesh/contracts';
import fc from 'fast-check';
import { base, clipsIn, decide, failureOf, FIRST, planWritten } from '../../test/director.samples.js';
import { answerTo, approved, edit, eventOf, job, plan, videoOf } from '../../test/draft.samples.js';
import { isEditable } from '../plan/plan.review.js';
import { type DirectorEvent } from './director.event.js';
import { initialState } from './director.js';
import { approveDraft } from './draft.edit.js';

type Step =
  | { readonly kind: 'answer' | 'fail' | 'repeat' | 'stall' | 'approve' | 'retry'; readonly pick: number }
  | { readonly kind: 'edit'; readonly change: PlanEdit };

const pick = fc.nat(20);
const scene = fc.nat(2);
const change = fc.oneof(
  fc.record({ index: scene, description: fc.constantFrom('A kettle at dawn', 'A cup') }),
  fc.record({ index: scene, durationSeconds: fc.integer({ min: 3, max: 5 }) }),
  fc.record({ index: scene, overlay: fc.constantFrom(null, { text: 'Sing' }, { text: 'Ready' }) }),
);
const often = ['answer', 'answer', 'answer', 'answer', 'repeat', 'fail', 'stall', 'approve', 'retry'] as const;
const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 9, arbitrary: fc.record({ kind: fc.constantFrom(...often), pick }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('edit' as const), change: change.map((one) => ({ scenes: [one] })) }),
  },
);

/** A draft with its unanswered commands. Each event is checked as it is decided. */
class Story {
  state: GenerationState = initialState(job);
  waiting: Outgoing[] = [];
  /** The command step of the last clip that was bought for each scene. */
  readonly bought = new Map<number, number>();
  private readonly seen: DirectorEvent[] = [];

  /** `isDrafted`: the draft waits already, and all of its answers may be repeated. */
  constructor(isDrafted: boolean) {
    this.take(planWritten(job));
    while (isDrafted && this.waiting.length > 0) this.answer(0);
  }

  play(step: Step): void {
    if (step.kind === 'answer') this.answer(step.pick);
    else if (step.kind === 'fail') this.fail(step.pick);
    else if (step.kind === 'edit') this.edit(step.change);
    else if (step.kind === 'approve') this.approve();
    else if (step.kind === 'retry') this.retry();
    else if (step.kind === 'stall') this.stall();
    else this.repeat(step.pick);
  }

  /** Answers everything, retries what failed, sends again what was lost, and approves the draft. */
  finish(): void {
    for (let round = 0; round < 200 && this.state.status !== 'succeeded'; round += 1) {
      while (this.waiting.length > 0) this.answer(0);
      if (this.state.status === 'failed') this.retry();
      else if (this.state.status === 'awaiting_approval') this.approve();
      else this.stall();
    }
  }

  private take(event: DirectorEvent): void {
    const before = this.state;
    const { state, outgoing } = decide(before, event);
    this.state = state;
    this.waiting.push(...outgoing);
    for (const { model, scene: index, attempt } of clipsIn(outgoing)) {
      expect(model === DRAFT_MODEL).toBe(isDraft(state));
      if (model !== DRAFT_MODEL) this.bought.set(index, Math.max(this.bought.get(index) ?? 0, attempt));
    }
    if (before.approved === true) expect(state.plan).toEqual(before.plan);
    if (state.status !== 'awaiting_approval') return;
    expect(state.result).toMatchObject({ draft: true, video: videoOf(DRAFT_MODEL, state.plan ?? plan) });
  }

  private taken(index: number): Outgoing | undefined {
    return this.waiting.splice(index % Math.max(1, this.waiting.length), 1)[0];
  }

  private answer(index: number): void {
    const one = this.taken(index);
    const event = one && answerTo(one);
    if (event === undefined) return;
    this.seen.push(event);
    this.take(event);
  }

  private fail(index: number): void {
    const one = this.taken(index);
    if (one?.definition !== OverlayApply) return;
    const { scene: of, attempt } = OverlayApply.schema.parse(one.body);
    const failure = failureOf('FFMPEG_FAILED', { stage: 'overlay' });
    this.take(eventOf(OverlayFailed, { ...base, scene: of, attempt, failure }));
  }

  private repeat(index: number): void {
    const event = this.seen[index % Math.max(1, this.seen.length)];
    if (event !== undefined) this.take(event);
  }

  private edit(changed: PlanEdit): void {
    if (!isEditable(this.state)) return;
    const { state, event } = edit(this.state, changed);
    this.state = state;
    this.take(event);
  }

  private approve(): void {
    const next = approveDraft(this.state);
    if (next === this.state) return;
    this.state = next;
    this.take(approved);
  }

  private retry(): void {
    this.take(eventOf(RetryRequested, { ...base, run: this.state.run + 1 }));
  }

  private stall(): void {
    const revival = this.state.revivals + 1;
    this.take(eventOf(StallNoticed, { ...base, revival, idleMs: 1, revive: true }));
  }
}

describe('a draft, for any order of answers, repeats, edits, failures, stalls and an approval', () => {
  it('buys nothing before the approval, shows the current plan, and buys one clip of each scene after it', () => {
    fc.assert(
      fc.property(fc.boolean(), fc.array(steps, { maxLength: 60 }), (isDrafted, sequence) => {
        const story = new Story(isDrafted);
        for (const step of sequence) story.play(step);
        story.finish();
        const { state, bought } = story;
        expect(state.status).toBe('succeeded');
        expect(state.result).toMatchObject({ video: videoOf(FIRST, state.plan ?? plan) });
        expect(bought.size).toBe(plan.scenes.length);
        for (const { index, predictionId } of state.scenes) expect(predictionId).toBe(`p${index}.${bought.get(index)}`);
      }),
      { numRuns: 300 },
    );
  });
});
