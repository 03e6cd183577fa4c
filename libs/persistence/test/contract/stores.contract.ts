import { describe, expect, it } from '@jest/globals';
import { type GenerationRecord, generationRecordSchema } from '@clipmesh/contracts';
import {
  AlreadyExistsError,
  ConflictError,
  type Purchase,
  type LedgerEntry,
  type Stores,
  type Versioned,
} from '../../src/index.js';

export const idOf = (n: number): string => `gen_${n.toString(16).padStart(32, '0')}`;
const at = '2026-01-01T00:00:00.000Z';
const HOSTILE = ['a b', '>', '*', '../x', 'π.', '.', '$KV.x', 'k\u0000'];

export function recordOf(n: number, owner = 'local'): GenerationRecord {
  return generationRecordSchema.parse({
    id: idOf(n),
    owner,
    createdAt: at,
    updatedAt: at,
    traceId: '0'.repeat(32),
    state: {
      status: 'queued',
      stage: 'planning',
      run: 1,
      planning: { attempt: 1 },
      window: 1,
      scenes: [],
      failures: [],
      revivals: 0,
      incidents: [],
      costMicros: 0,
      chargeKeys: [],
      job: { prompt: 'p', durationSeconds: 9, aspectRatio: '9:16', seed: 1, overlays: true, models: ['m'], window: 1 },
    },
  });
}

/** `open` returns stores with empty storage on each call. */
export function generationStoreContract(name: string, open: () => Promise<Stores>): void {
  describe(`generations: ${name}`, () => {
    it('creates once and saves by compare-and-set', async () => {
      const { generations } = await open();
      const made = await generations.create(recordOf(1));
      await expect(generations.create(recordOf(1))).rejects.toBeInstanceOf(AlreadyExistsError);
      const saves = await Promise.allSettled(
        Array.from({ length: 20 }, () => generations.save(made.value, made.revision)),
      );
      expect(saves.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      for (const save of saves) if (save.status === 'rejected') expect(save.reason).toBeInstanceOf(ConflictError);
      expect((await generations.get(idOf(1)))?.value).toEqual(made.value);
      expect(await generations.get(idOf(2))).toBeUndefined();
    });
    it('scans all records before an id, newest first, during concurrent changes', async () => {
      const { generations } = await open();
      await Promise.all(Array.from({ length: 130 }, (_, n) => generations.create(recordOf(n, n % 2 ? 'odd' : 'even'))));
      const seen: string[] = [];
      for await (const { id } of generations.scan(idOf(120))) {
        seen.push(id);
        // Concurrent removal and creation.
        if (seen.length === 1) await generations.remove(idOf(0));
        if (seen.length === 1) await generations.create(recordOf(500));
      }
      expect(seen).toEqual(Array.from({ length: 119 }, (_, n) => idOf(119 - n)));
      let first: string | undefined;
      for await (const { id } of generations.scan()) {
        first = id;
        break;
      }
      expect(first).toBe(idOf(500));
    });

    it('lists the existing records of one owner', async () => {
      const { generations } = await open();
      for (const [n, owner] of [...HOSTILE, 'ann', 'bob'].entries()) await generations.create(recordOf(n, owner));
      for (const [n, owner] of [...HOSTILE, 'ann', 'bob'].entries())
        expect((await generations.list({ owner, limit: 50 })).map(({ id }) => id)).toEqual([idOf(n)]);
      // A failed create does not add the id to the list of its owner.
      await expect(generations.create(recordOf(0, 'bob'))).rejects.toBeInstanceOf(AlreadyExistsError);
      expect(await generations.list({ owner: 'bob', limit: 50 })).toHaveLength(1);
      await generations.remove(idOf(0));
      expect(await generations.list({ owner: HOSTILE[0] ?? '', limit: 50 })).toEqual([]);
      await generations.create(recordOf(0, 'ann'));
      expect(await generations.list({ owner: 'ann', limit: 50 })).toHaveLength(2);
      expect(await generations.list({ owner: 'ann', limit: 0 })).toEqual([]);
    });

    it('lists newest first, with filters and pages', async () => {
      const { generations } = await open();
      await Promise.all(Array.from({ length: 70 }, (_, n) => generations.create(recordOf(n, n % 2 ? 'odd' : 'even'))));
      const first = await generations.list({ owner: 'even', limit: 20 });
      const rest = await generations.list({ owner: 'even', limit: 20, after: first.at(-1)?.id ?? '' });
      expect([...first, ...rest].map(({ id }) => id)).toEqual(Array.from({ length: 35 }, (_, n) => idOf(68 - 2 * n)));
      expect(await generations.list({ status: 'failed', limit: 5 })).toEqual([]);
    });
    it('lists unfinished records, also after they are reopened', async () => {
      const { generations } = await open();
      const [, open2, failed] = await Promise.all([1, 2, 3].map((n) => generations.create(recordOf(n))));
      const moved = async (
        entry: Versioned<GenerationRecord> | undefined,
        status: GenerationRecord['state']['status'],
      ) => entry && generations.save({ ...entry.value, state: { ...entry.value.state, status } }, entry.revision);
      const succeeded = await moved(open2, 'succeeded');
      const ended = await moved(failed, 'failed');
      const ids = async (): Promise<string[]> => (await generations.unfinished()).map(({ id }) => id).sort();
      expect(await ids()).toEqual([idOf(1)]);
      await moved(ended, 'generating');
      expect(await ids()).toEqual([idOf(1), idOf(3)]);
      await moved(succeeded, 'generating');
      expect(await ids()).toEqual([idOf(1), idOf(2), idOf(3)]);
    });
    it('finds nothing for invalid ids', async () => {
      const { generations, ledger } = await open();
      for (const id of HOSTILE) {
        expect(await generations.get(id)).toBeUndefined();
        expect(await ledger.entries(id)).toEqual([]);
      }
    });
  });
}

export const entryOf = (key: string): LedgerEntry => ({
  key,
  generationId: idOf(1),
  owner: 'local',
  at,
  kind: 'clip',
  stage: 'clip',
  provider: 'p',
  model: 'm',
  quantity: 1,
  unit: 'second',
  amountMicros: 5,
  outcome: 'succeeded',
});

export function purchaseStoresContract(name: string, open: () => Promise<Stores>): void {
  describe(`ledger, purchases, idempotency: ${name}`, () => {
    it('appends a key once among 100 concurrent calls', async () => {
      const { ledger } = await open();
      const appended = await Promise.all(Array.from({ length: 100 }, () => ledger.append(entryOf('prediction:1'))));
      expect(appended.filter(Boolean)).toHaveLength(1);
      for (const key of HOSTILE) expect(await ledger.append(entryOf(key))).toBe(true);
      expect((await ledger.entries(idOf(1))).map(({ key }) => key)).toEqual(['prediction:1', ...HOSTILE].sort());
    });
    it('stores purchases with any key', async () => {
      const { purchases } = await open();
      for (const key of HOSTILE) {
        const purchase: Purchase = {
          key,
          generationId: idOf(1),
          kind: 'clip',
          status: 'intended',
          model: 'm',
          fingerprint: 'f',
          createdAt: at,
          updatedAt: at,
        };
        const made = await purchases.create(purchase);
        await expect(purchases.create(purchase)).rejects.toBeInstanceOf(AlreadyExistsError);
        await purchases.save({ ...purchase, status: 'submitted', predictionId: 'x' }, made.revision);
        await expect(purchases.save(purchase, made.revision)).rejects.toBeInstanceOf(ConflictError);
        expect((await purchases.get(idOf(1), key))?.value.predictionId).toBe('x');
        expect(await purchases.get(idOf(2), key)).toBeUndefined();
      }
      expect((await purchases.list(idOf(1))).map(({ value }) => value.key)).toEqual([...HOSTILE].sort());
      expect(await purchases.list(idOf(2))).toEqual([]);
    });
    it('returns any request unchanged', async () => {
      const { purchases } = await open();
      const names = [
        '$set',
        'a.b',
        '%2E',
        '',
        '\u0000',
        '__proto__',
        'constructor',
        'prototype',
        '_bsontype',
        'valueOf',
      ];
      const request = JSON.parse(
        `{${[...names, 'toBSON', 'toObject', 'toJSON', 'id', '_id'].map((name) => `${JSON.stringify(name)}:{"x":["ObjectId",{},null,1.5]}`).join()}}`,
      ) as unknown;
      await purchases.create({
        ...{ key: 'k', generationId: idOf(1), kind: 'clip', status: 'intended', model: 'm', fingerprint: 'f' },
        ...{ createdAt: at, updatedAt: at, request },
      });
      expect(JSON.stringify((await purchases.get(idOf(1), 'k'))?.value.request)).toBe(JSON.stringify(request));
    });
    it('lets the first claim win', async () => {
      const { idempotency } = await open();
      const claims = await Promise.all(
        Array.from({ length: 30 }, (_, n) => idempotency.claim('k >*', `f${n}`, idOf(n))),
      );
      expect(claims.filter(({ fresh }) => fresh)).toHaveLength(1);
      expect(new Set(claims.map(({ generationId }) => generationId)).size).toBe(1);
    });
  });
}
