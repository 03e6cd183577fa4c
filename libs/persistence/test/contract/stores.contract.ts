import { randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { AlreadyExistsError, ConflictError, type Stores } from '../../src/index.js';
import { newId, sampleAttempt, sampleEntry, sampleRecord } from './samples.js';

/** What every adapter of the stores keeps. */
export function storesContract(name: string, stores: () => Stores): void {
  describe(`${name}: generations`, () => {
    it('gives back what was created, and nothing for an unknown id', async () => {
      const record = sampleRecord();
      const { revision } = await stores().generations.create(record);
      expect(await stores().generations.get(record.id)).toEqual({ value: record, revision });
      expect(await stores().generations.get(newId())).toBeUndefined();
      expect(await stores().generations.get('../x >')).toBeUndefined();
    });

    it('refuses a second record of one id', async () => {
      const record = sampleRecord();
      await stores().generations.create(record);
      await expect(stores().generations.create(record)).rejects.toBeInstanceOf(AlreadyExistsError);
    });

    it('lets one of ten concurrent writers save', async () => {
      const record = sampleRecord();
      const { revision } = await stores().generations.create(record);
      const results = await Promise.allSettled(
        Array.from({ length: 10 }, (_, costMicros) =>
          stores().generations.save({ ...record, state: { ...record.state, costMicros } }, revision),
        ),
      );
      const lost = results.filter((result) => result.status === 'rejected');
      expect(lost).toHaveLength(9);
      for (const { reason } of lost) expect(reason).toBeInstanceOf(ConflictError);
      await expect(stores().generations.save(record, 'nonsense')).rejects.toBeInstanceOf(ConflictError);
    });

    it('lists newest first, by owner and status, in pages', async () => {
      const owner = randomUUID();
      expect(await stores().generations.list({ owner })).toEqual([]);
      const records = Array.from({ length: 40 }, (_, index) => sampleRecord(owner, index % 2 ? 'failed' : 'queued'));
      for (const record of records) await stores().generations.create(record);
      const ids = records.map(({ id }) => id).reverse();
      const first = await stores().generations.list({ owner, limit: 25 });
      const rest = await stores().generations.list({ owner, limit: 25, after: first.at(-1)!.id });
      expect([...first, ...rest].map(({ id }) => id)).toEqual(ids);
      expect(await stores().generations.list({ owner, status: 'failed' })).toHaveLength(20);
    });
  });

  describe(`${name}: ledger, attempts, idempotency`, () => {
    it('books a charge once per generation, in order', async () => {
      const [one, other] = [newId(), newId()];
      expect(await stores().ledger.entries(one)).toEqual([]);
      const told = await Promise.all(
        Array.from({ length: 5 }, () => stores().ledger.append(sampleEntry(one, 'prediction:a b'))),
      );
      expect(told.filter(Boolean)).toHaveLength(1);
      expect(await stores().ledger.append(sampleEntry(one, 'completion:*>'))).toBe(true);
      expect(await stores().ledger.append(sampleEntry(other, 'prediction:a b'))).toBe(true);
      expect((await stores().ledger.entries(one)).map(({ key }) => key)).toEqual(['prediction:a b', 'completion:*>']);
    });

    it('keeps an attempt of any key, saved by compare-and-set', async () => {
      const attempt = sampleAttempt(newId());
      expect(await stores().attempts.get(attempt.key)).toBeUndefined();
      const { revision } = await stores().attempts.create(attempt);
      await expect(stores().attempts.create(attempt)).rejects.toBeInstanceOf(AlreadyExistsError);
      const submitted = { ...attempt, status: 'submitted' as const, predictionId: 'p1' };
      const saved = await stores().attempts.save(submitted, revision);
      expect(await stores().attempts.get(attempt.key)).toEqual(saved);
      await expect(stores().attempts.save(attempt, revision)).rejects.toBeInstanceOf(ConflictError);
    });

    it('lets the first claim of an idempotency key stand', async () => {
      const [key, id] = [`local:${randomUUID()} *`, newId()];
      expect(await stores().idempotency.claim(key, 'f1', id)).toEqual({
        fingerprint: 'f1',
        generationId: id,
        fresh: true,
      });
      expect(await stores().idempotency.claim(key, 'f2', newId())).toEqual({
        fingerprint: 'f1',
        generationId: id,
        fresh: false,
      });
    });
  });
}
