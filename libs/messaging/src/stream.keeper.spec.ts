import { describe, expect, it } from '@jest/globals';
import { type ConsumerState, handledUpTo, firstKept } from './stream.keeper.js';

const consumer = (pending: number, inHand: number, delivered: number, floor: number): ConsumerState => ({
  num_pending: pending,
  num_ack_pending: inHand,
  delivered: { stream_seq: delivered },
  ack_floor: { stream_seq: floor },
});

describe('what an inbox has handled', () => {
  it.each<[string, ConsumerState, number]>([
    ['nothing that concerns it is there', consumer(0, 0, 0, 0), 100],
    ['all is handled, the last long ago', consumer(0, 0, 40, 40), 100],
    ['nothing is handled', consumer(5, 0, 0, 0), 0],
    ['some wait', consumer(5, 0, 60, 60), 60],
    ['some are in hand', consumer(0, 2, 90, 70), 70],
    ['some are in hand and some wait', consumer(3, 2, 90, 70), 70],
  ])('%s', (_what, state, expected) => {
    expect(handledUpTo(state, 100)).toBe(expected);
  });
});

describe('the first event that stays', () => {
  it.each([
    [{ first_seq: 1, last_seq: 100, bytes: 799 }, 1],
    [{ first_seq: 1, last_seq: 100, bytes: 800 }, 26],
    [{ first_seq: 1, last_seq: 100, bytes: 1000 }, 41],
    [{ first_seq: 901, last_seq: 1000, bytes: 1000 }, 941],
  ])('%j', (state, expected) => {
    expect(firstKept(state, 1000)).toBe(expected);
  });
});
