import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { GatewayClient } from './gateway.client.js';

const eventText = (name: string, progress: number): string =>
  `event: ${name}\ndata: ${JSON.stringify({ status: 'x', stage: 'export', progress, scenes: [], costMicros: 0 })}\n\n`;

let server: Server;
let client: GatewayClient;
beforeEach(async () => {
  server = createServer((_request, response) => {
    response.setHeader('content-type', 'text/event-stream');
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
});
