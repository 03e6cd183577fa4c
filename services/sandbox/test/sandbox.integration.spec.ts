import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { openReceiver, pngOf, until } from '@clipmesh/testing';
import OpenAI from 'openai';
import Replicate, { validateWebhook, type Prediction } from 'replicate';
import { createSandbox } from '../src/sandbox.server.js';
import { FAST, type Renders, type SandboxBench, startBench, VEO } from './sandbox.bench.js';

let sandbox: SandboxBench;
let renders: Renders;
let replicate: Replicate;
let openai: OpenAI;
const input = (more: object = {}): object => ({ prompt: 'a red kettle', duration: 4, seed: 7, ...more });
const scenario = (body: object): Promise<Response> => sandbox.scenario(body);
const invoice: SandboxBench['invoice'] = () => sandbox.invoice();
const finished = (prediction: Prediction): Promise<Prediction> => replicate.wait(prediction, { interval: 20 });
const bytes = async (prediction: Prediction): Promise<string> => (await fetch(prediction.output as string)).text();
const post = (body: object, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${sandbox.url}/v1/models/${VEO}/predictions`, {
    method: 'POST',
    headers: { authorization: 'Bearer t', 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });

beforeAll(async () => {
  sandbox = await startBench();
  renders = sandbox.renders;
  replicate = new Replicate({ auth: 'token', baseUrl: `${sandbox.url}/v1`, useFileOutput: false });
  openai = new OpenAI({ apiKey: 'token', baseURL: `${sandbox.url}/v1`, maxRetries: 0 });
});
afterAll(() => sandbox.stop());
beforeEach(() => sandbox.reset());
afterEach(() => {
  renders.ms = 0;
});

describe('replicate', () => {
  it('renders a clip, serves it with ranges, and charges it', async () => {
    await scenario({ ...FAST, inputFields: ['clipmesh_key'] });
    const created = await replicate.predictions.create({ model: VEO, input: input({ clipmesh_key: 'k1' }) });
    expect(created).toMatchObject({ status: 'starting', output: null, model: VEO });
    const done = await finished(created);
    expect(done.status).toBe('succeeded');
    expect(done.metrics).toMatchObject({ video_output_duration_seconds: 4 });
    const part = await fetch(done.output as string, { headers: { range: 'bytes=0-4' } });
    expect([part.status, part.headers.get('content-range')?.slice(0, 10), await part.text()]).toEqual([
      206,
      'bytes 0-4/',
      'video',
    ]);
    expect(await invoice()).toMatchObject({
      predictions: [{ id: done.id, key: 'k1', status: 'succeeded', seconds: 4, amountUsd: 1.6 }],
      totalUsd: 1.6,
    });
  });

  it('returns the same bytes for the same clip without a second render', async () => {
    const first = await finished(await replicate.predictions.create({ model: VEO, input: input() }));
    const before = renders.started;
    const version = (await replicate.models.get('google', 'veo-3.1')).latest_version?.id ?? '';
    const again = await finished(await replicate.predictions.create({ version, input: input() }));
    const other = await finished(
      await replicate.predictions.create({ model: VEO, input: input({ prompt: 'a blue kettle' }) }),
    );
    expect(renders.started).toBe(before + 1);
    expect(await bytes(again)).toBe(await bytes(first));
    expect(await bytes(other)).not.toBe(await bytes(first));
  });

  it('applies the output forms and bad downloads of the scenario', async () => {
    await scenario({ ...FAST, outputs: ['object', 'data', 'null', 'text'], badDownloads: 1 });
    const outputs: unknown[] = [];
    for (let count = 0; count < 5; count += 1)
      outputs.push((await finished(await replicate.predictions.create({ model: VEO, input: input() }))).output);
    expect(outputs).toEqual([
      { video: expect.stringMatching(/\/files\/.+\.mp4$/) },
      expect.stringMatching(/^data:video\/mp4;codecs="avc1\.42E01E, mp4a\.40\.2";base64,/),
      null,
      'The video is ready.',
      'The video is ready.',
    ]);
    const { video } = outputs[0] as { video: string };
    const page = await fetch(video);
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    expect((await fetch(video)).headers.get('content-type')).toBe('video/mp4');
    // All of them succeeded, so all are charged.
    expect(await invoice()).toMatchObject({ totalUsd: 5 * 1.6 });
  });

  it('accepts uploads, and starts a clip from an upload or a data URL', async () => {
    const imageBytes = pngOf(300, 300);
    const upload = await replicate.files.create(new File([new Uint8Array(imageBytes)], 'a.png'), { of: 'test' });
    expect(upload).toMatchObject({ name: 'a.png', size: imageBytes.length, metadata: { of: 'test' } });
    expect(await replicate.files.get(upload.id)).toEqual(upload);
    expect((await replicate.files.list()).results).toEqual([upload]);
    const image = upload.urls.get;
    const data = `data:image/png;base64,${imageBytes.toString('base64')}`;
    renders.images = [];
    const make = async (model: `${string}/${string}`, more: object): Promise<Prediction> =>
      finished(await replicate.predictions.create({ model, input: { prompt: 'a red kettle', seed: 7, ...more } }));
    const first = await make(VEO, { duration: 4, image });
    expect(await readFile(renders.images[0] ?? '')).toEqual(imageBytes);
    const again = await make(VEO, { duration: 4, image: data });
    expect(await bytes(again)).toBe(await bytes(first));
    expect((await make('minimax/video-01', { first_frame_image: image, seed: undefined })).status).toBe('succeeded');
    await expect(make('minimax/video-01', { image, seed: undefined })).rejects.toThrow(
      "unexpected keyword argument 'image'",
    );
    expect(renders.images.map((image) => image !== undefined)).toEqual([true, true]);
    for (const [wrong, why] of [
      ['http://127.0.0.1:1/a.png', 'could not be downloaded'],
      ['data:image/png;base64,AAAA', 'cannot identify'],
    ]) {
      await expect(make(VEO, { duration: 4, image: wrong })).rejects.toThrow(why ?? '');
    }
    await replicate.files.delete(upload.id);
    await expect(replicate.files.get(upload.id)).rejects.toThrow('404');
    const bare = await fetch(`${sandbox.url}/v1/files`, { method: 'POST', headers: { authorization: 'Bearer t' } });
    expect(bare.status).toBe(400);
  });

  it('cancels a running clip with its render and charges it, but not one that never started', async () => {
    renders.ms = 20_000;
    const before = { ...renders };
    const running = await replicate.predictions.create({ model: VEO, input: input({ seed: 99 }) });
    await until(() => renders.started > before.started, 120_000, 'a render');
    expect((await replicate.predictions.cancel(running.id)).status).toBe('canceled');
    await until(() => renders.aborted > before.aborted, 120_000, 'the end of the render');
    await scenario({ queueSeconds: 60 });
    const late = (await (
      await post({ input: input() }, { 'cancel-after': '0.05s', prefer: 'wait=60' })
    ).json()) as Prediction;
    expect(late.status).toBe('aborted');
    expect((await invoice()).predictions.map(({ amountUsd }) => amountUsd)).toEqual([1.6, 0]);
    expect((await readdir(join(sandbox.folder, 'sandbox-clips'))).filter((name) => name.includes('.part.'))).toEqual(
      [],
    );
  });

  it('holds a clip until the next scenario, or a cancel', async () => {
    await scenario({ ...FAST, hold: [0, 2] });
    const make = (seed: number): Promise<Prediction> =>
      replicate.predictions.create({ model: VEO, input: input({ seed }) });
    const [first, second, third] = [await make(1), await make(2), await make(3)];
    expect((await finished(second)).status).toBe('succeeded');
    expect((await replicate.predictions.cancel(third.id)).status).toBe('canceled');
    expect((await replicate.predictions.get(first.id)).status).toBe('processing');
    await scenario(FAST);
    expect((await finished(first)).status).toBe('succeeded');
    expect((await replicate.predictions.get(third.id)).status).toBe('canceled');
  });

  it('signs webhooks', async () => {
    const receiver = await openReceiver(1);
    const { calls, url: webhook } = receiver;
    await finished(
      await replicate.predictions.create({ model: VEO, input: input(), webhook, webhook_events_filter: ['completed'] }),
    );
    await until(() => calls.length >= 2, 120_000, 'the second webhook');
    await receiver.close();
    const { key } = await replicate.webhooks.default.secret.get();
    const { headers, body } = calls[1]!;
    const signed = {
      id: String(headers['webhook-id']),
      timestamp: String(headers['webhook-timestamp']),
      signature: String(headers['webhook-signature']),
    };
    expect(await validateWebhook({ ...signed, body, secret: key })).toBe(true);
    expect(calls[0]!.headers['webhook-id']).toBe(signed.id);
    expect(JSON.parse(body)).toMatchObject({ status: 'succeeded' });
    expect((await invoice()).predictions[0]).toMatchObject({ key: 'attempt-1' });
  });

  it('lists predictions newest first in pages of 100', async () => {
    const created: string[] = [];
    for (let index = 0; index < 101; index += 1)
      created.push((await replicate.predictions.create({ model: VEO, input: input() })).id);
    const seen: string[] = [];
    let pages = 0;
    for await (const page of replicate.paginate(() => replicate.predictions.list())) {
      pages += 1;
      seen.push(...page.map(({ id }) => id));
    }
    expect(pages).toBeGreaterThan(1);
    expect(seen.slice(0, 101)).toEqual(created.reverse());
    expect(new Set(seen).size).toBe(seen.length);
  });

  it('rejects invalid requests like the real service', async () => {
    expect((await fetch(`${sandbox.url}/v1/predictions`)).status).toBe(401);
    const lengths = await post({ input: input({ duration: 5 }) });
    expect([lengths.status, await lengths.json()]).toMatchObject([
      422,
      { status: 422, detail: expect.stringContaining('4, 6, 8') },
    ]);
    await expect(replicate.predictions.create({ model: 'no/body', input: {} })).rejects.toMatchObject({
      response: { status: 404 },
    });
    await expect(replicate.predictions.get('nothing')).rejects.toMatchObject({ response: { status: 404 } });
    expect((await invoice()).totalUsd).toBe(0);
  });
});

describe('scenarios', () => {
  it('fails a prediction with an unknown input field', async () => {
    const fields = async (): Promise<string[]> => {
      const { latest_version } = await replicate.models.get('google', 'veo-3.1');
      const { components } = latest_version?.openapi_schema as {
        components: { schemas: { Input: { properties: object } } };
      };
      return Object.keys(components.schemas.Input.properties);
    };
    expect(await fields()).toEqual(expect.arrayContaining(['prompt', 'duration', 'image', 'generate_audio', 'seed']));
    const created = await replicate.predictions.create({ model: VEO, input: input({ clipmesh_key: 'k' }) });
    await expect(finished(created)).rejects.toThrow("unexpected keyword argument 'clipmesh_key'");
    await scenario({ ...FAST, inputFields: ['clipmesh_key'] });
    expect(await fields()).toContain('clipmesh_key');
  });

  it('fails every n-th prediction and refuses prompts, without charge', async () => {
    await scenario({ ...FAST, failEvery: 2, rejectPrompts: 'forbidden' });
    const refused = await replicate.predictions.create({ model: VEO, input: input({ prompt: 'a forbidden kettle' }) });
    await expect(finished(refused)).rejects.toThrow('flagged as sensitive (E005)');
    await expect(finished(await replicate.predictions.create({ model: VEO, input: input() }))).rejects.toThrow('E9243');
    expect(await replicate.predictions.get(refused.id)).toMatchObject({
      status: 'failed',
      error: 'flagged as sensitive (E005)',
      output: null,
    });
    expect((await invoice()).totalUsd).toBe(0);
  });

  it('refuses outputs after a charged run, and fails prompts with a given error', async () => {
    await scenario({
      ...FAST,
      rejectOutputs: { prompts: 'bottle', times: 1 },
      failPrompts: { prompts: 'lamp', error: 'an error of its own' },
    });
    const of = async (prompt: string): Promise<Prediction> => {
      const { id } = await replicate.predictions.create({ model: VEO, input: input({ prompt }) });
      let state = await replicate.predictions.get(id);
      await until(
        async () => {
          state = await replicate.predictions.get(id);
          return !['starting', 'processing'].includes(state.status);
        },
        60_000,
        'the end',
      );
      return state;
    };
    expect(await of('a bottle')).toMatchObject({
      status: 'failed',
      error: 'The request failed because the output video may contain sensitive information.',
      metrics: { video_output_duration_seconds: 4 },
      started_at: expect.any(String),
    });
    expect(await of('a lamp')).toMatchObject({ status: 'failed', error: 'an error of its own' });
    expect(await of('a bottle')).toMatchObject({ status: 'succeeded' });
    expect((await invoice()).predictions.map(({ status, amountUsd }) => [status, amountUsd])).toEqual([
      ['failed', 1.6],
      ['failed', 0],
      ['succeeded', 1.6],
    ]);
  });

  it('limits the rate', async () => {
    await scenario({ ...FAST, rateLimit: { perMinute: 1, retryAfterSeconds: 3 } });
    expect((await post({ input: input() })).status).toBe(201);
    const limited = await post({ input: input() });
    expect([limited.status, limited.headers.get('retry-after')]).toEqual([429, '3']);
    expect(await limited.json()).toMatchObject({ retry_after: 3 });
  });

  it('processes and charges a create whose response is lost', async () => {
    await scenario({ ...FAST, loseReplies: 1, inputFields: ['clipmesh_key'] });
    await expect(post({ input: input({ clipmesh_key: 'lost' }) })).rejects.toThrow();
    await until(async () => (await invoice()).totalUsd > 0, 120_000, 'a charge');
    expect((await invoice()).predictions).toMatchObject([{ key: 'lost', status: 'succeeded', amountUsd: 1.6 }]);
  });

  it('is unavailable every n-th time, and throttles downloads', async () => {
    await scenario({ ...FAST, unavailableEvery: 2, slowDownloads: 20_000 });
    const done = await finished((await (await post({ input: input() })).json()) as Prediction);
    expect((await post({ input: input() })).status).toBe(503);
    expect(await bytes(done)).toMatch(/^(video \d+ 4 ){500}$/);
  });

  it('rejects an unknown setting and keeps the current scenario', async () => {
    const answer = await scenario({ clipSecond: 1 });
    expect([answer.status, await answer.json()]).toMatchObject([
      400,
      { detail: expect.stringContaining('clipSecond') },
    ]);
    expect(await (await fetch(`${sandbox.url}/sandbox/scenario`)).json()).toEqual(FAST);
  });
});

describe('openai', () => {
  const scene = { role: 'string', description: 'string', durationSeconds: 'integer', overlayText: 'string' };
  const object = (fields: Record<string, unknown>): Record<string, unknown> => ({
    type: 'object',
    properties: fields,
    required: Object.keys(fields),
    additionalProperties: false,
  });
  const typed = (fields: Record<string, string>): Record<string, unknown> =>
    object(Object.fromEntries(Object.entries(fields).map(([name, type]) => [name, { type }])));
  const looks = Object.fromEntries(
    ['style', 'palette', 'lighting', 'composition', 'mood', 'subject'].map((name) => [name, 'string']),
  );
  const schema = object({
    title: { type: 'string' },
    style: typed(looks),
    scenes: { type: 'array', items: typed(scene) },
  });
  const plan = (kept: Pick<OpenAI.ChatCompletionCreateParamsNonStreaming, 'store' | 'metadata'> = {}) =>
    openai.chat.completions.create({
      ...kept,
      model: 'gpt-4o-mini',
      messages: [
        { role: 'system', content: 'Write a plan.\nframework: PAS\nscenes: 4\ndurationSeconds: 20' },
        { role: 'user', content: 'A kettle that boils in ten seconds.' },
      ],
      response_format: { type: 'json_schema', json_schema: { name: 'plan', strict: true, schema } },
    });

  it('writes a plan that matches the schema, and charges its tokens', async () => {
    const completion = await plan();
    const written = JSON.parse(completion.choices[0]!.message.content!) as {
      style: object;
      scenes: { durationSeconds: number; description: string }[];
    };
    expect(Object.keys(written.style).sort()).toEqual(Object.keys(looks).sort());
    expect(written.scenes).toHaveLength(4);
    expect(written.scenes.reduce((sum, { durationSeconds }) => sum + durationSeconds, 0)).toBe(20);
    expect(new Set(written.scenes.map(({ description }) => description)).size).toBe(4);
    const { prompt_tokens, completion_tokens } = completion.usage!;
    expect((await invoice()).completions).toMatchObject([
      { amountUsd: Math.ceil(prompt_tokens * 0.15 + completion_tokens * 0.6) / 1e6 },
    ]);
  });

  it('stores completions on request and finds them by metadata', async () => {
    const [one, other] = [await plan({ store: true, metadata: { key: 'a.1' } }), await plan({ store: true })];
    await plan({ metadata: { key: 'a.1' } });
    const list = async (query?: OpenAI.ChatCompletionListParams) =>
      (await openai.chat.completions.list(query)).data.map(({ id }) => id);
    expect(await list({ metadata: { key: 'a.1' } })).toEqual([one.id]);
    expect(await list({ metadata: { key: 'a' } })).toEqual([]);
    expect(await list()).toEqual(expect.arrayContaining([one.id, other.id]));
    const [found] = (await openai.chat.completions.list({ metadata: { key: 'a.1' } })).data;
    expect(found).toMatchObject({ choices: one.choices, usage: one.usage, model: one.model });
  });

  it('returns an invalid first plan when the scenario says so', async () => {
    await scenario({ badPlanFirst: true });
    const [first, second] = [await plan(), await plan()].map((completion) => completion.choices[0]!.message.content!);
    expect(() => {
      JSON.parse(first!);
    }).toThrow();
    expect(JSON.parse(second!)).toHaveProperty('scenes');
  });

  it('generates speech, and charges by the character', async () => {
    const speech = await openai.audio.speech.create({ model: 'tts-1', voice: 'alloy', input: 'hello there' });
    expect(Buffer.from(await speech.arrayBuffer()).toString('ascii', 0, 4)).toBe('RIFF');
    expect((await invoice()).speech).toMatchObject([{ characters: 11, amountUsd: 0.000165 }]);
  });
});

describe('the server', () => {
  it('serves loopback addresses only', async () => {
    const { media } = sandbox;
    await expect(createSandbox({ media, port: 0, host: '0.0.0.0', dataDir: sandbox.folder })).rejects.toThrow(
      'loopback',
    );
  });

  it('aborts a running render on close', async () => {
    renders.ms = 3_600_000;
    const { media, folder } = sandbox;
    const other = await createSandbox({ media, port: 0, host: '127.0.0.1', dataDir: join(folder, 'other') });
    const client = new Replicate({ auth: 't', baseUrl: `${other.url}/v1` });
    const before = { ...renders };
    await client.predictions.create({ model: VEO, input: input() });
    await until(() => renders.started > before.started, 120_000, 'a render');
    await other.close();
    expect(renders.aborted).toBe(before.aborted + 1);
  });
});
