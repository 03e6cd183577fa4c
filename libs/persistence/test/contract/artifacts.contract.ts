import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describe, expect, it } from '@jest/globals';
import { type ArtifactStore } from '../../src/index.js';

/** What every adapter of the artifact store keeps. */
export function artifactsContract(name: string, store: () => ArtifactStore): void {
  describe(`${name}: artifacts`, () => {
    const bytes = Buffer.from('0123456789');

    it('names bytes and streams by their hash', async () => {
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      const artifact = await store().put(bytes, { contentType: 'video/mp4' });
      expect(artifact).toEqual({
        key: `${sha256.slice(0, 2)}/${sha256}.mp4`,
        sha256,
        bytes: 10,
        contentType: 'video/mp4',
      });
      const streamed = Readable.from([bytes.subarray(0, 3), bytes.subarray(3)]);
      expect(await store().put(streamed, { contentType: 'video/mp4' })).toEqual(artifact);
      expect((await store().stat(artifact))?.bytes).toBe(10);
      expect(await store().withFile(artifact, (path) => readFile(path))).toEqual(bytes);
    });

    it('reads ranges with both ends included', async () => {
      const artifact = await store().put(bytes, { contentType: 'audio/mpeg' });
      expect((await buffer(await store().open(artifact))).toString()).toBe('0123456789');
      expect((await buffer(await store().open(artifact, { start: 2, end: 4 }))).toString()).toBe('234');
      expect((await buffer(await store().open(artifact, { start: 7 }))).toString()).toBe('789');
    });

    it('tells what is missing and refuses keys that lead elsewhere', async () => {
      const artifact = await store().put(Buffer.from('gone'), { contentType: 'text/vtt' });
      await store().remove(artifact);
      await store().remove(artifact);
      expect(await store().stat(artifact)).toBeUndefined();
      await expect(store().open(artifact)).rejects.toMatchObject({ code: 'ARTIFACT_MISSING' });
      await expect(store().withFile(artifact, () => Promise.resolve())).rejects.toMatchObject({
        code: 'ARTIFACT_MISSING',
      });
      const evil = { ...artifact, key: '../../etc/passwd' };
      await expect(store().open(evil)).rejects.toMatchObject({ code: 'SCHEMA_VIOLATION' });
      await expect(store().remove(evil)).rejects.toMatchObject({ code: 'SCHEMA_VIOLATION' });
    });
  });
}
