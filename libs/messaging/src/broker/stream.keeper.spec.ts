import { describe, expect, it } from '@jest/globals';
import { type ConsumerState, handledUpTo, firstKept } from './stream.keeper.js';

const consumer = (pending: number, pendingAck: number, delivered: number, floor: number): ConsumerState => ({
  num_pending: pending,
  num_ack_pending: pendingAck,
  delivered: { stream_seq: delivered },
  ack_floor: { stream_seq: floor },
});

describe('handledUpTo', () => {
  it.each<[string, ConsumerState, number]>([
    ['no matching event', consumer(0, 0, 0, 0), 100],
    ['all handled, the last long ago', consumer(0, 0, 40, 40), 100],
    ['nothing handled', consumer(5, 0, 0, 0), 0],
    ['some pending', consumer(5, 0, 60, 60), 60],
    ['some in progress', consumer(0, 2, 90, 70), 70],
    ['some in progress and some pending', consumer(3, 2, 90, 70), 70],
  ])('%s', (_what, state, expected) => {
    expect(handledUpTo(state, 100)).toBe(expected);
  });
});

describe('firstKept', () => {
  it.each([
    [{ first_seq: 1, last_seq: 100, bytes: 799 }, 1],
    [{ first_seq: 1, last_seq: 100, bytes: 800 }, 26],
    [{ first_seq: 1, last_seq: 100, bytes: 1000 }, 41],
    [{ first_seq: 901, last_seq: 1000, bytes: 1000 }, 941],
  ])('%j', (state, expected) => {
    expect(firstKept(state, 1000)).toBe(expected);
  });
});
