import { describe, expect, it } from '@jest/globals';
import { type GenerationRecord, type GenerationStatus } from '@clipmesh/contracts';
import { initialState } from './director.js';
import { at, jobOf } from '../../test/director.samples.js';
import { noticeStall } from './stall.rules.js';

const id = `gen_${'1'.repeat(32)}`;
const record = (status: GenerationStatus, revivals = 0): GenerationRecord => ({
  id,
  owner: 'local',
  createdAt: at,
  updatedAt: at,
  traceId: '0'.repeat(32),
  state: {
    ...initialState(jobOf()),
    status,
    revivals,
  },
});
const rules = { stallAfterMs: 60_000, maxRevivals: 2, approvalMs: 120_000 };
const later = Date.parse(at) + 60_000;

describe('noticeStall', () => {
  it.each<[GenerationStatus, number, boolean, boolean | undefined]>([
    ['queued', later, false, true],
    ['planning', later, false, true],
    ['generating', later, false, true],
    ['composing', later, false, true],
    ['generating', later - 1, false, undefined],
    ['generating', later, true, undefined],
    ['awaiting_approval', later, false, undefined],
    ['succeeded', later, false, undefined],
    ['failed', later, false, undefined],
    ['canceled', later, false, undefined],
  ])('%s at %i, with a message: %s', (status, nowMs, live, revive) => {
    const notice = noticeStall(record(status), new Set(live ? [id] : []), nowMs, rules);
    expect((notice?.body as { revive?: boolean } | undefined)?.revive).toBe(revive);
  });

  it('cancels a plan that is not approved in time, and treats an approved one as stalled', () => {
    const waiting = record('awaiting_approval');
    const approved = { ...waiting, state: { ...waiting.state, approved: true } };
    const notice = (of: GenerationRecord, ms: number) => noticeStall(of, new Set(), Date.parse(at) + ms, rules);
    expect(notice(waiting, 119_999)).toBeUndefined();
    expect(notice(waiting, 120_000)?.definition.name).toBe('cancel.requested');
    expect(notice(approved, 60_000)?.body).toMatchObject({ revival: 1, revive: true });
  });

  it('sets the trace of the generation as parent', () => {
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
    expect(noticeStall({ ...record('generating'), traceparent }, new Set(), later, rules)?.parent).toBe(traceparent);
    expect(noticeStall(record('generating'), new Set(), later, rules)).not.toHaveProperty('parent');
  });

  it('counts revivals, and gives up after the maximum', () => {
    expect(noticeStall(record('generating', 1), new Set(), later, rules)?.body).toMatchObject({
      revival: 2,
      revive: true,
      idleMs: 60_000,
    });
    expect(noticeStall(record('generating', 2), new Set(), later, rules)?.body).toMatchObject({
      revival: 3,
      revive: false,
    });
  });
});
