import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { type GenerationRecord, generationRecordSchema } from '@clipmesh/contracts';
import { type Stores } from '../../src/index.js';

/** Stores, and direct access to the storage of their generations. */
export interface OpenStorage {
  readonly stores: Stores;
  /** Stores a record as it is. */
  readonly plant: (record: GenerationRecord) => Promise<unknown>;
  /** A record as it is stored. */
  readonly stored: (id: string) => Promise<unknown>;
}

const FIXTURE = new URL('../fixtures/generation.0.1.0.json', import.meta.url);

/** `open` returns empty storage on each call. */
export function renamedFieldsContract(name: string, open: () => Promise<OpenStorage>): void {
  describe(`renamed fields: ${name}`, () => {
    it('reads a record of version 0.1.0 and saves it with the present names', async () => {
      const { stores, plant, stored } = await open();
      const old = JSON.parse(readFileSync(FIXTURE, 'utf8')) as GenerationRecord;
      await plant(old);

      const found = await stores.generations.get(old.id);
      if (found === undefined) throw new Error('the record is missing');
      const { previousResult, failures } = found.value.state;
      expect(failures).toEqual(['evt_1', 'evt_2']);
      expect(previousResult).toMatchObject({ durationSeconds: 9, video: { bytes: 2048 }, thumbnail: { bytes: 512 } });

      const changed = { ...found.value, updatedAt: '2026-01-02T00:00:00.000Z' };
      await stores.generations.save(changed, found.revision);
      const raw = await stored(old.id);
      expect(raw).toEqual(changed);
      // The schema drops the fields that it does not have.
      expect(generationRecordSchema.parse(raw)).toEqual(raw);
    });
  });
}
