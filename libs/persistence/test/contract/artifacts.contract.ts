import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { until } from '@clipmesh/testing';
import { type ArtifactStore } from '../../src/index.js';

const text = async (stream: Readable): Promise<string> => Buffer.concat(await stream.toArray()).toString();
/** A store may round times to seconds. */
const CLOCK_STEP_MS = 1000;
const missing = { key: `ab/${'ab'.repeat(32)}.mp4` };

const put = (store: ArtifactStore, bytes: Buffer): Promise<boolean> =>
  store.put(bytes, { contentType: 'video/mp4' }).then(() => true);

/** `age` sets the age of a stored file to one day. */
export function artifactStoreContract(
  name: string,
  open: () => Promise<ArtifactStore>,
  age: (key: string) => Promise<void>,
): void {
  describe(`artifacts: ${name}`, () => {
    it('stores the same bytes once, also under concurrency', async () => {
      const store = await open();
      const puts = await Promise.all(
        Array.from({ length: 20 }, () =>
          store.put(Readable.from([Buffer.from('0123'), Buffer.from('456789')]), { contentType: 'video/mp4' }),
        ),
      );
      expect(new Set(puts.map(({ key }) => key)).size).toBe(1);
      const artifact = await store.put(Buffer.from('0123456789'), { contentType: 'video/mp4' });
      expect(artifact).toEqual(puts[0]);
      expect(await store.stat(artifact)).toEqual({ bytes: 10 });
      expect(await text(await store.open(artifact, { start: 2, end: 4 }))).toBe('234');
      expect(await text(await store.open(artifact))).toBe('0123456789');
      expect(await store.withFile(artifact, (path) => readFile(path, 'utf8'))).toBe('0123456789');
      await store.remove(artifact);
      expect(await store.stat(artifact)).toBeUndefined();
    });
    it('lists complete files with size and time', async () => {
      const store = await open();
      const listed = async () => {
        const found: { key: string; bytes: number; storedAt: number }[] = [];
        for await (const file of store.list()) found.push(file);
        return found.sort((a, b) => (a.key < b.key ? -1 : 1));
      };
      const before = await listed();
      const sinceMs = Date.now() - CLOCK_STEP_MS;
      const [one, two] = [
        await store.put(Buffer.from(`one ${randomUUID()}`), { contentType: 'video/mp4' }),
        await store.put(Buffer.from(`two! ${randomUUID()}`), { contentType: 'image/jpeg' }),
      ];
      const added = (await listed()).filter(({ key }) => !before.some((old) => old.key === key));
      expect(added.map(({ key, bytes }) => ({ key, bytes }))).toEqual(
        [one, two].map(({ key, bytes }) => ({ key, bytes })).sort((a, b) => (a.key < b.key ? -1 : 1)),
      );
      for (const { storedAt } of added) {
        expect(storedAt).toBeGreaterThanOrEqual(sinceMs);
        expect(storedAt).toBeLessThanOrEqual(Date.now() + CLOCK_STEP_MS);
      }
      await store.remove(one);
      expect((await listed()).map(({ key }) => key)).not.toContain(one.key);
      await store.remove(two);
    });
    it('resets the age of a file, and reports a missing one', async () => {
      const store = await open();
      const artifact = await store.put(Buffer.from(`old ${randomUUID()}`), { contentType: 'video/mp4' });
      const ages = async (): Promise<number[]> => {
        const found: number[] = [];
        for await (const { key, storedAt } of store.list()) if (key === artifact.key) found.push(storedAt);
        return found;
      };
      const [first = 0] = await ages();
      await until(() => Promise.resolve(Date.now() > first + CLOCK_STEP_MS), 120_000, 'the next second');
      expect(await store.renew(artifact)).toBe(true);
      expect((await ages())[0]).toBeGreaterThan(first);
      await store.remove(artifact);
      expect(await store.renew(artifact)).toBe(false);
      expect(await store.stat(artifact)).toBeUndefined();
    });
    it('removes old files, but none that is put or renewed concurrently', async () => {
      const store = await open();
      const bytes = Buffer.from(`aged ${randomUUID()}`);
      let removals = 0;
      for (let round = 0; round < 100; round += 1) {
        const artifact = await store.put(bytes, { contentType: 'video/mp4' });
        expect(await store.removeOld(artifact, Date.now() - 60_000)).toBe(false);
        expect(await store.stat(artifact)).toBeDefined();
        await age(artifact.key);
        const again = round % 2 === 0 ? () => store.renew(artifact) : () => put(store, bytes);
        const [kept, removed] = await Promise.all([again(), store.removeOld(artifact, Date.now() - 60_000)]);
        if (removed) removals += 1;
        expect((await store.stat(artifact)) !== undefined).toBe(kept);
        expect(await store.removeOld(artifact, Date.now() - 60_000)).toBe(false);
      }
      const artifact = await store.put(bytes, { contentType: 'video/mp4' });
      await age(artifact.key);
      expect(await store.removeOld(artifact, Date.now() - 60_000)).toBe(true);
      expect(await store.removeOld(artifact, Date.now() - 60_000)).toBe(false);
      expect(await store.stat(artifact)).toBeUndefined();
      expect(removals).toBeGreaterThan(0);
    });
    it.each([missing.key, '../../etc/passwd', `ab/../${'a'.repeat(64)}.mp4`, '/etc/passwd'])(
      'has no %s',
      async (key) => {
        const store = await open();
        await expect(store.open({ key })).rejects.toMatchObject({ code: 'ARTIFACT_MISSING' });
        await expect(store.withFile({ key }, () => Promise.resolve())).rejects.toMatchObject({
          code: 'ARTIFACT_MISSING',
        });
      },
    );
  });
}
