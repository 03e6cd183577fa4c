import { beforeEach, describe, expect, it } from '@jest/globals';
import { json } from './fake.server.js';
import { created, idOf, never, oldest, operation, request, useReplicate } from './replicate.bench.js';

const fake = useReplicate();

describe('purchases with a reference image', () => {
  const sha256 = 'a'.repeat(64);
  const referenceImage = { key: `aa/${sha256}.png`, sha256, bytes: 7, contentType: 'image/png' };
  const withImage = { ...request, referenceImage };
  let uploadStatus: number;
  beforeEach(() => {
    uploadStatus = 201;
    fake.answer = (incoming, response) => {
      if (incoming.url === '/v1/files') json(response, uploadStatus, { urls: { get: `${fake.origin}/v1/files/f1` } });
      else json(response, 201, created);
    };
  });

  it('share the URL of one upload', async () => {
    const replicate = fake.provider();
    const clips = [1, 2, 3].map((n) => ({ ...withImage, attemptKey: `k${n}` }));
    await Promise.all(clips.map((clip) => replicate.submit(clip, never)));
    expect(fake.calls.filter((call) => call === 'POST /v1/files')).toHaveLength(1);
    expect(fake.bodies[0]).toContain(`filename="${sha256}.png"\r\nContent-Type: image/png\r\n\r\npicture\r\n`);
    expect(fake.bodies.slice(1).map((body) => JSON.parse(body) as unknown)).toEqual(
      clips.map(() =>
        expect.objectContaining({ input: expect.objectContaining({ image: `${fake.origin}/v1/files/f1` }) }),
      ),
    );
  });

  it('are not sent when the upload fails, and upload the image again later', async () => {
    const replicate = fake.provider();
    uploadStatus = 503;
    let intents = 0;
    const intent = (): Promise<void> => Promise.resolve(void (intents += 1));
    await expect(replicate.submit(withImage, never, intent)).rejects.toMatchObject({ code: 'PROVIDER_UNAVAILABLE' });
    expect([fake.calls.length, intents]).toEqual([1, 0]);
    uploadStatus = 201;
    expect((await replicate.submit(withImage, never, intent)).id).toBe('p');
    expect([fake.calls.length, intents]).toEqual([3, 1]);
  });

  it('upload the image again after a failed prediction, because the file may have expired', async () => {
    let uploads = 0;
    let error = 'flagged as sensitive (E005)';
    fake.answer = (incoming, response) => {
      if (incoming.url === '/v1/files')
        json(response, 201, { urls: { get: `${fake.origin}/v1/files/f${(uploads += 1)}` } });
      else if (incoming.method === 'POST') json(response, 201, created);
      else json(response, 200, { ...created, status: 'failed', error, input: { image: `${fake.origin}/v1/files/f1` } });
    };
    const replicate = fake.provider();
    await replicate.submit(withImage, never);
    await replicate.get(operation, never);
    await replicate.submit({ ...withImage, attemptKey: 'k2' }, never);
    expect(uploads).toBe(1);

    error = 'the image could not be downloaded';
    await replicate.get(operation, never);
    await replicate.submit({ ...withImage, attemptKey: 'k3' }, never);
    expect(uploads).toBe(2);
    expect(fake.bodies.at(-1)).toContain('/v1/files/f2');
    // Another clip with the expired URL.
    await replicate.get(operation, never);
    await replicate.submit({ ...withImage, attemptKey: 'k4' }, never);
    expect(uploads).toBe(2);
  });

  it('are found separately from purchases without an image', async () => {
    const same = { prompt: 'a cup', duration: 6, aspect_ratio: '9:16', seed: 7 };
    const at = { created_at: new Date().toISOString() };
    const results = [
      { ...created, ...at, id: 'plain', input: same },
      { ...created, ...at, id: 'with-image', input: { ...same, image: 'https://x/another-upload' } },
    ];
    fake.answer = (_, response) => {
      json(response, 200, { next: null, results });
    };
    const since = new Date(Date.now() - 1000);
    const of = async (wanted: typeof request | typeof withImage): Promise<string | undefined> =>
      idOf(await fake.provider().find({ request: wanted, since, adopt: oldest }, never));
    expect(await of(withImage)).toBe('with-image');
    expect(await of(request)).toBe('plain');
  });
});
