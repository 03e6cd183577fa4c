import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Broker, leakCheck, startBroker, tempFolder, type TempFolder } from '@clipmesh/testing';
import { planFromTemplate } from '@clipmesh/pipeline';
import { problem, rawCall, startGateway, type TestGateway } from '../gateway.harness.js';

let broker: Broker;
let folder: TempFolder;
let gateway: TestGateway;
let video: string;
let thumbnail: string;
let etag: string;
const leaks = leakCheck();
const VIDEO = Buffer.from('0123456789');

beforeAll(async () => {
  broker = await startBroker();
  folder = await tempFolder('gateway-files');
  gateway = await startGateway(broker, folder.path);
  const id = await gateway.created();
  const result = await gateway.succeed(id, VIDEO);
  video = `/v1/generations/${id}/video`;
  thumbnail = `/v1/generations/${id}/thumbnail`;
  etag = `"${result.video.sha256}"`;
});

afterAll(async () => {
  await gateway.stop();
  await broker.stop();
  await folder.remove();
  expect(leaks()).toEqual([]);
});

describe('the video', () => {
  it('is returned completely, with the headers that a player needs', async () => {
    const response = await gateway.call(video);
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'video/mp4',
      'content-length': '10',
      'accept-ranges': 'bytes',
      'x-content-type-options': 'nosniff',
      etag,
    });
    // A regenerated scene changes the video at this URL.
    expect(response.headers.get('cache-control')).toBe('private, no-cache');
    expect(await response.text()).toBe('0123456789');
  });

  it.each([
    ['bytes=0-4', 'bytes 0-4/10', '01234'],
    ['bytes=5-', 'bytes 5-9/10', '56789'],
    ['bytes=-3', 'bytes 7-9/10', '789'],
    ['bytes=-99', 'bytes 0-9/10', '0123456789'],
    ['bytes=8-99', 'bytes 8-9/10', '89'],
    ['bytes=9-9', 'bytes 9-9/10', '9'],
  ])('is returned in part for %s', async (range, contentRange, body) => {
    const response = await gateway.call(video, { headers: { range } });
    expect(response.status).toBe(206);
    expect(response.headers.get('content-range')).toBe(contentRange);
    expect(response.headers.get('content-length')).toBe(String(body.length));
    expect(await response.text()).toBe(body);
  });

  it.each(['bytes=10-', 'bytes=99-100', 'bytes=-0'])('is a 416 for %s', async (range) => {
    const response = await gateway.call(video, { headers: { range } });
    expect(response.status).toBe(416);
    expect(response.headers.get('content-range')).toBe('bytes */10');
    expect(response.headers.get('etag')).toBeNull();
    expect(await problem(response)).toMatchObject({ code: 'RANGE_NOT_SATISFIABLE' });
  });

  it.each(['bytes=0-1,3-4', 'bytes=4-2', 'lines=0-1'])('is returned completely for %s', async (range) => {
    const response = await gateway.call(video, { headers: { range } });
    expect([response.status, await response.text()]).toEqual([200, '0123456789']);
  });

  it('has the same headers and no body for HEAD, with and without a range', async () => {
    for (const headers of [{}, { range: 'bytes=0-4' }]) {
      const answer = await rawCall(gateway.port, video, { method: 'HEAD', headers });
      expect(answer.status).toBe(200);
      expect(answer.headers).toMatchObject({ 'content-length': '10', 'content-type': 'video/mp4', etag });
      expect(answer.body).toBe('');
    }
  });

  it('is a 304 for a client that has it', async () => {
    const changed = { 'if-none-match': `W/${etag}, "other"` };
    for (const headers of [{ 'if-none-match': etag }, changed, { ...changed, range: 'bytes=0-1' }]) {
      const answer = await rawCall(gateway.port, video, { headers });
      expect([answer.status, answer.headers.etag, answer.body]).toEqual([304, etag, '']);
    }
    expect((await rawCall(gateway.port, video, { headers: { 'if-none-match': '"other"' } })).status).toBe(200);
  });

  it('resumes an interrupted download, unless the file has changed', async () => {
    const range = 'bytes=5-';
    const same = await rawCall(gateway.port, video, { headers: { range, 'if-range': etag } });
    expect([same.status, same.body]).toEqual([206, '56789']);
    for (const ifRange of ['"other"', `W/${etag}`, 'Tue, 01 Jan 2030 00:00:00 GMT']) {
      const other = await rawCall(gateway.port, video, { headers: { range, 'if-range': ifRange } });
      expect([ifRange, other.status, other.body]).toEqual([ifRange, 200, '0123456789']);
    }
  });

  it('is a 409 before the end, and with the reason after a failure', async () => {
    const id = await gateway.created();
    const early = await gateway.call(`/v1/generations/${id}/video`);
    expect(early.status).toBe(409);
    expect(await problem(early)).toMatchObject({ code: 'NOT_READY', retryable: true });
    await gateway.change(id, {
      status: 'failed',
      failure: {
        code: 'PREDICTION_REFUSED',
        stage: 'clip',
        scene: 2,
        message: 'the prompt was refused',
        retryable: false,
        charged: true,
      },
    });
    const late = await gateway.call(`/v1/generations/${id}/video`);
    expect(late.status).toBe(409);
    expect(await problem(late)).toMatchObject({
      stage: 'clip',
      scene: 2,
      retryable: false,
      charged: true,
      detail: expect.stringContaining('the prompt was refused'),
    });
  });

  it('is a 404 when its file is no longer stored', async () => {
    const id = await gateway.created();
    const { video: kept } = await gateway.succeed(id, Buffer.from('removed later'));
    await gateway.artifacts.remove(kept);
    for (const method of ['GET', 'HEAD'])
      expect((await rawCall(gateway.port, `/v1/generations/${id}/video`, { method })).status).toBe(404);
    expect(await problem(await gateway.call(`/v1/generations/${id}/video`))).toMatchObject({
      code: 'ARTIFACT_MISSING',
    });
  });
});

it('the thumbnail is a JPEG with ranges and an ETag', async () => {
  const response = await gateway.call(thumbnail);
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'image/jpeg']);
  expect(await response.text()).toBe('picture');
  const tag = response.headers.get('etag') ?? '';
  expect((await rawCall(gateway.port, thumbnail, { headers: { 'if-none-match': tag } })).status).toBe(304);
  const part = await rawCall(gateway.port, thumbnail, { headers: { range: 'bytes=0-2' } });
  expect([part.status, part.body]).toEqual([206, 'pic']);
});

describe('the plan and the captions', () => {
  it('are available once the plan is written, and once there is a video', async () => {
    const id = await gateway.created();
    const path = `/v1/generations/${id}`;
    for (const [what, when] of [
      ['plan', 'the plan is available once the planner has written it'],
      ['captions.vtt', 'the captions are available once the generation has succeeded'],
    ]) {
      const early = await gateway.call(`${path}/${what ?? ''}`);
      expect(early.status).toBe(409);
      expect(await problem(early)).toMatchObject({ code: 'NOT_READY', detail: expect.stringContaining(when ?? '') });
    }
    const { state } = await gateway.change(id, {});
    const plan = planFromTemplate(state.job);
    await gateway.change(id, { plan });
    expect(await (await gateway.call(`${path}/plan`)).json()).toEqual(plan);
    expect((await gateway.call(`${path}/captions.vtt`)).status).toBe(409);
    await gateway.succeed(id);
    const captions = await gateway.call(`${path}/captions.vtt`);
    expect(captions.headers.get('content-type')).toBe('text/vtt; charset=utf-8');
    expect(captions.headers.get('cache-control')).toBe('private, no-cache');
    expect(captions.headers.get('etag')).toBeTruthy();
    const text = await captions.text();
    expect(text).toMatch(/^WEBVTT\n\n1\n00:00\.000 --> /);
    expect(text.match(/-->/g)).toHaveLength(plan.scenes.length);
  });
});
