import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import { type AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

/** A call that a fake server got. */
export interface FakeCall {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}
export type FakeAnswer = (call: FakeCall, response: ServerResponse) => void;

/** A server on loopback whose answers a test decides. */
export interface FakeServer {
  readonly origin: string;
  close(): Promise<void>;
}

/** Opens a server that answers each call when its body has arrived. */
export async function openFake(answer: FakeAnswer): Promise<FakeServer> {
  const server = createServer((incoming, response) => {
    const { method = '', url = '', headers } = incoming;
    buffer(incoming).then(
      (body) => {
        answer({ method, url, headers, body: body.toString() }, response);
      },
      () => response.destroy(),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

export function json(response: ServerResponse, status: number, body: unknown, headers: object = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}
