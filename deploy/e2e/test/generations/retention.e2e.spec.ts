import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { filesUnder } from '@clipmesh/testing';
import { z } from 'zod';
import { ApiClient, SandboxClient } from '../../src/api.client.js';
import { eventually } from '../../src/eventually.js';
import { CHEAP_PICTURES, LocalStack } from '../../src/stack/local.stack.js';

const MAKE_MS = 240_000;
/** Some twenty seconds: longer than the first part of the test. */
const RETENTION_DAYS = 0.000_25;
/** Some seven seconds: longer than it takes until a record refers to a stored file. */
const ORPHAN_GRACE_HOURS = 0.002;
const usageSchema = z.looseObject({ totalUsd: z.number() });

let stack: LocalStack;
let api: ApiClient;

beforeAll(async () => {
  stack = await LocalStack.start({
    env: {
      ...CHEAP_PICTURES,
      RETENTION_DAYS: String(RETENTION_DAYS),
      ORPHAN_GRACE_HOURS: String(ORPHAN_GRACE_HOURS),
      RETENTION_SWEEP_SECONDS: '1',
    },
  });
  api = new ApiClient(stack.urls.gateway);
  await new SandboxClient(stack.urls.sandbox).scenario({ clipSeconds: { min: 0.2, max: 0.2 } });
});

afterAll(async () => {
  // When beforeAll fails half-way, what it has started must still stop.
  await (stack as LocalStack | undefined)?.stop();
});

/** The stored media files. */
const files = (): Promise<string[]> => filesUnder(join(stack.dataDir, 'artifacts'));

const remove = (id: string): Promise<Response> => api.call(`/v1/generations/${id}`, { method: 'DELETE' });
const usage = async (): Promise<number> => usageSchema.parse(await (await api.call('/v1/usage')).json()).totalUsd;

it('a deleted video is gone, its twin stays; when that one expires no file is left, and the amounts stay', async () => {
  const request = {
    prompt: 'A clock that forgives being late.',
    sceneCount: 3,
    durationSeconds: 9,
    aspectRatio: '1:1',
    seed: 7,
    cache: false,
  } as const;
  const [one, other] = await Promise.all([api.create(request), api.create(request)]);
  expect((await remove(one)).status).toBe(409);
  const [first, second] = await Promise.all([one, other].map((id) => api.succeeded(id, MAKE_MS)));
  expect(second?.result?.sha256).toBe(first?.result?.sha256);
  const spent = await eventually('both videos in the ledger', 120_000, async () => {
    const costs = await Promise.all([one, other].map((id) => api.cost(id)));
    const total = costs.reduce((sum, { totalUsd }) => sum + totalUsd, 0);
    return Math.abs(total - (await usage())) < 1e-9 && costs.every(({ entries }) => entries.length === 4)
      ? total
      : undefined;
  });

  // Answered with 503 while the last events are being handled.
  await eventually('the deletion', 120_000, async () => ((await remove(one)).status === 204 ? true : undefined));
  expect((await remove(one)).status).toBe(404);
  expect((await api.call(`/v1/generations/${one}`)).status).toBe(404);
  expect((await api.call(`/v1/generations/${one}/cost`)).status).toBe(404);
  expect(await api.list()).toEqual([other]);
  expect((await api.bytes(`/v1/generations/${other}/video`)).length).toBe(second?.result?.bytes);

  await eventually('the end of the other', 60_000, async () => ((await api.list()).length === 0 ? true : undefined));
  await eventually('no file left', 120_000, async () => ((await files()).length === 0 ? true : undefined));
  expect(await usage()).toBeCloseTo(spent, 9);
});
