import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type OpenProvider } from '../src/index.js';
import { MODEL, openCog } from './cog.bench.js';
import { type FakeAnswer, type FakeServer, json, openFake } from './fake.server.js';

const ID = `clip.gen_${'3'.repeat(32)}.0.1`;
const EFFECTIVE = 3;
const SCHEMA = { components: { schemas: { Input: { required: ['prompt'] } } } };

/** A server whose model has not begun yet: it answers the first cancels, and they have no effect, as Cog 0.23.1 does. */
describe('a cancel at a Cog server that loses the first ones', () => {
  let server: FakeServer;
  let cancels = 0;
  let open: OpenProvider | undefined;
  const answer: FakeAnswer = ({ method, url }, response) => {
    const runs = cancels < EFFECTIVE;
    if (url.endsWith('/openapi.json')) json(response, 200, SCHEMA);
    else if (url.endsWith('/cancel')) {
      cancels += 1;
      json(response, runs ? 200 : 404, {});
    } else json(response, method === 'PUT' && runs ? 202 : 422, {});
  };

  beforeEach(async () => {
    cancels = 0;
    server = await openFake(answer);
  });
  afterEach(async () => {
    await open?.close();
    await server.close();
  });

  it('is repeated until the prediction ends', async () => {
    open = openCog(server.origin);
    expect(await open.cancel({ id: ID, model: MODEL })).toMatchObject({
      status: 'canceled',
      startedAt: expect.any(String),
    });
    // The last one finds nothing that runs.
    expect(cancels).toBe(EFFECTIVE + 1);
  });

  it('is repeated until the report comes', async () => {
    const report = { id: ID, status: 'canceled', metrics: { predict_time: 1.5 } };
    open = openCog(server.origin, {
      reports: {
        addressOf: () => server.origin,
        read: () => Promise.resolve(cancels < EFFECTIVE ? undefined : report),
        nudge: () => () => undefined,
        timeoutMs: 0,
      },
    });
    expect(await open.cancel({ id: ID, model: MODEL })).toMatchObject({ status: 'canceled', gpuSeconds: 1.5 });
    expect(cancels).toBe(EFFECTIVE);
  });
});
