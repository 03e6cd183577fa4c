import { describe, expect, it } from '@jest/globals';
import {
  CancelRequested,
  ClipGenerate,
  type ClipGenerateBody,
  type GenerationState,
  type Outgoing,
  PlanApproved,
  RetryRequested,
  StallNoticed,
} from '@clipmesh/contracts';
import fc from 'fast-check';
import { type DirectorEvent } from './director.event.js';
import { initialState } from './director.js';
import { planFromTemplate } from '../plan/plan.writer.js';
import { base, clipsIn, jobOf, planWritten, decide } from '../../test/director.samples.js';

const job = jobOf({ review: true });
const plan = planFromTemplate(job);
const written = planWritten(job, plan);
const approved: DirectorEvent = { name: PlanApproved.name, body: base, id: 'approved' };
const canceled: DirectorEvent = { name: CancelRequested.name, body: { ...base, reason: '' }, id: 'canceled' };
const stalled: DirectorEvent = {
  name: StallNoticed.name,
  body: { ...base, revival: 1, idleMs: 1, revive: true },
  id: 'stalled',
};
const clips = (outgoing: readonly Outgoing[]): number => clipsIn(outgoing).length;
/** The change that the gateway saves before it publishes an approval. */
const approve = (state: GenerationState): GenerationState => ({ ...state, approved: true });

describe('a plan that waits for its approval', () => {
  const waiting = decide(initialState(job), written).state;

  it('buys nothing', () => {
    expect(waiting).toMatchObject({ status: 'awaiting_approval', stage: 'planning', plan, scenes: [] });
    expect(clips(decide(initialState(job), written).outgoing)).toBe(0);
    expect(clips(decide(waiting, written).outgoing)).toBe(0);
  });

  it('reports its wait again when the report was lost', () => {
    expect(decide(waiting, written).outgoing.map(({ body }) => body)).toMatchObject([{ status: 'awaiting_approval' }]);
  });

  it('starts once it is approved, and a repeated approval requests the same clips', () => {
    const first = decide(approve(waiting), approved);
    expect(first.state).toMatchObject({ status: 'generating', stage: 'clip' });
    expect(clips(first.outgoing)).toBe(2);
    const again = decide(first.state, approved);
    expect(again.state).toBe(first.state);
    expect(again.outgoing).toEqual(first.outgoing.slice(0, 2));
  });

  it('starts with the edited plan', () => {
    const shorter = { ...plan, scenes: plan.scenes.slice(0, 1) };
    expect(decide(approve({ ...waiting, plan: shorter }), approved).state.scenes).toHaveLength(1);
  });

  it('starts at the next stall when the approval event was lost', () => {
    const { state, outgoing } = decide(approve(waiting), stalled);
    expect(state.status).toBe('generating');
    expect(clips(outgoing)).toBe(2);
  });

  it('starts at a retry when it failed as stalled before its first clip, but only if it was approved', () => {
    const given = { ...stalled, body: { ...stalled.body, revive: false } } as DirectorEvent;
    const retry: DirectorEvent = { name: RetryRequested.name, body: { ...base, run: 2 }, id: 'retry' };
    for (const [before, status, count] of [
      [approve(waiting), 'generating', 2],
      [waiting, 'awaiting_approval', 0],
    ] as const) {
      const failed = decide(before, given).state;
      expect(failed).toMatchObject({ status: 'failed', failure: { code: 'STALLED' }, scenes: [] });
      const { state, outgoing } = decide(failed, retry);
      expect(state).toMatchObject({ status, run: 2 });
      expect(clips(outgoing)).toBe(count);
    }
  });

  it('can be canceled', () => {
    expect(decide(waiting, canceled).state.status).toBe('canceled');
    expect(clips(decide(decide(waiting, canceled).state, approved).outgoing)).toBe(0);
  });

  it('never starts before it is approved, for any sequence of events', () => {
    const events = { written, approved, canceled, stalled };
    const sequence = fc.array(fc.constantFrom(...Object.keys(events), 'approve' as const), { maxLength: 12 });
    fc.assert(
      fc.property(sequence, (names) => {
        let state = initialState(job);
        const commands = new Set<string>();
        for (const name of names) {
          if (name === 'approve') {
            if (state.status === 'awaiting_approval') state = approve(state);
            continue;
          }
          const { state: next, outgoing } = decide(state, events[name as keyof typeof events]);
          for (const { definition, body } of outgoing) {
            if (definition.name !== ClipGenerate.name) continue;
            const { scene, attempt } = body as ClipGenerateBody;
            commands.add(`${scene}.${attempt}`);
          }
          state = next;
          if (state.approved !== true) expect([...commands]).toEqual([]);
        }
        expect(commands.size).toBeLessThanOrEqual(job.window);
      }),
    );
  });
});
