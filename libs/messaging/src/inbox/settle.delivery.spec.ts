import { ClipmeshError } from '@clipmesh/contracts';
import { describe, expect, it } from '@jest/globals';
import { type RetryKind, NO_RETRIES, type RetryCounts, addRetry } from './retry.counter.js';
import { settleDelivery } from './settle.delivery.js';
import { type Outcome } from './settlement.js';

const failed = (error: unknown): Outcome => ({ kind: 'failed', error });
const silent = (): void => undefined;

describe('a delivery whose outgoing messages cannot be published', () => {
  it.each<[string, Outcome, RetryKind[]]>([
    ['a success uses no try', { kind: 'returned' }, ['spared']],
    ['a terminal failure uses no try', failed(new ClipmeshError('PREDICTION_REFUSED', 'x')), ['spared']],
    ['a retryable failure counts once', failed(new ClipmeshError('PROVIDER_UNAVAILABLE', 'x')), ['counted']],
    ['a poison message stays over its delivery limit', failed(new ClipmeshError('REDELIVERED_TOO_OFTEN', 'x')), []],
  ])('is redelivered after a delay: %s', async (_what, outcome, expected) => {
    const retries: RetryKind[] = [];
    const settled: string[] = [];
    let counts: RetryCounts = NO_RETRIES;
    const kind = await settleDelivery(
      {
        publish: () => Promise.reject(new Error('maximum bytes exceeded')),
        retries: {
          count: () => Promise.resolve(counts),
          add: (_id, retry) => {
            retries.push(retry);
            counts = addRetry(counts, retry);
            return Promise.resolve(counts);
          },
        },
        logger: { warn: silent, error: silent },
      },
      {
        id: 'm1',
        name: 'clip.generate',
        body: { generationId: 'gen_1' },
        history: { tries: 1, failures: 2, ageMs: 0 },
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
    expect({ kind, settled, retries }).toEqual({ kind: 'nak', settled: ['nak 400'], retries: expected });
  });
});
