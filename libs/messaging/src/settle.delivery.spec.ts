import { ClipmeshError } from '@clipmesh/contracts';
import { describe, expect, it } from '@jest/globals';
import { type RetryKind, NO_RETRIES, type RetryCounts, addRetry } from './faults.js';
import { settleDelivery } from './settle.delivery.js';
import { type Outcome } from './settlement.js';

const failed = (error: unknown): Outcome => ({ kind: 'failed', error });
const silent = (): void => undefined;

describe('a delivery whose messages the broker refuses', () => {
  it.each<[string, Outcome, RetryKind[]]>([
    ['a success is spared', { kind: 'returned' }, ['spared']],
    ['a terminal failure is spared', failed(new ClipmeshError('PREDICTION_REFUSED', 'x')), ['spared']],
    ['a failure that is repeated counts once', failed(new ClipmeshError('PROVIDER_UNAVAILABLE', 'x')), ['counted']],
    ['what ends its process stays over its limit', failed(new ClipmeshError('REDELIVERED_TOO_OFTEN', 'x')), []],
  ])('is delivered again after a pause: %s', async (_what, outcome, expected) => {
    const faults: RetryKind[] = [];
    const settled: string[] = [];
    let tally: RetryCounts = NO_RETRIES;
    const kind = await settleDelivery(
      {
        publish: () => Promise.reject(new Error('maximum bytes exceeded')),
        retries: {
          count: () => Promise.resolve(tally),
          add: (_id, fault) => {
            faults.push(fault);
            tally = addRetry(tally, fault);
            return Promise.resolve(tally);
          },
        },
        logger: { warn: silent, error: silent },
      },
      {
        id: 'm1',
        name: 'clip.generate',
        body: { generationId: 'gen_1' },
        tries: { tries: 1, failures: 2, ageMs: 0 },
        outcome,
        outgoing: [],
      },
      { maxTries: 3, firstDelayMs: 100, maxDelayMs: 1000 },
      1,
      {
        ack: () => settled.push('ack'),
        nak: (delayMs) => settled.push(`nak ${delayMs}`),
        term: () => settled.push('term'),
        deadLetter: () => Promise.resolve(),
      },
    );
    expect({ kind, settled, faults }).toEqual({ kind: 'nak', settled: ['nak 400'], faults: expected });
  });
});
