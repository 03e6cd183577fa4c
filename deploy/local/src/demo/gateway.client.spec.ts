import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { GatewayClient } from './gateway.client.js';

const eventText = (name: string, progress: number, status = 'generating'): string =>
  `event: ${name}\ndata: ${JSON.stringify({ status, stage: 'export', progress, scenes: [], costMicros: 0 })}\n\n`;

const entryOf = (model: string): object => ({ stage: 'clip', provider: 'fal', model, amountUsd: 0.5 });
const ANSWERS: Readonly<Record<string, unknown>> = {
  '/v1/generations/gen_1/cost': { totalUsd: 1.5, entries: [entryOf('a/b'), entryOf('a/c'), entryOf('gpt')] },
  '/v1/generations/gen_2/cost': { totalUsd: 0, entries: [] },
  '/v1/models': {
    models: [
      { id: 'a/a', pricesAsOf: '2025-01-01' },
      { id: 'a/b', pricesAsOf: '2026-02-01' },
      { id: 'a/c', pricesAsOf: '2026-01-01' },
    ],
  },
};

let server: Server;
let client: GatewayClient;
beforeEach(async () => {
  server = createServer((request, response) => {
    const json = ANSWERS[request.url ?? ''];
    if (json !== undefined) {
      response.end(JSON.stringify(json));
      return;
    }
    response.setHeader('content-type', 'text/event-stream');
    if (request.url?.includes('gen_draft') === true) {
      // The stream of a draft stays open.
      response.write(eventText('generation.progressed', 100, 'awaiting_approval'));
      return;
    }
    response.end(`${eventText('generation.progressed', 85)}${eventText('generation.succeeded', 100)}`);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  client = new GatewayClient(`http://127.0.0.1:${port}`, AbortSignal.timeout(120_000));
});
afterEach(async () => {
  server.close();
  server.closeAllConnections();
  await once(server, 'close');
});

describe('GatewayClient.follow', () => {
  it('reports the end of the generation too', async () => {
    const shown: number[] = [];
    await client.follow('gen_1', 10_000, ({ progress }) => shown.push(progress));
    expect(shown).toEqual([85, 100]);
  });

  it('ends with a finished draft', async () => {
    const shown: string[] = [];
    await client.follow('gen_draft', 10_000, ({ status }) => shown.push(status));
    expect(shown).toEqual(['awaiting_approval']);
  });
});

describe('GatewayClient.cost', () => {
  it('has the oldest prices of the models that were paid', async () => {
    expect(await client.cost('gen_1')).toMatchObject({ totalUsd: 1.5, pricesAsOf: '2026-01-01' });
    expect(await client.cost('gen_2')).toEqual({ totalUsd: 0, entries: [], pricesAsOf: undefined });
  });
});
