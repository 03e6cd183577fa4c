import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** What becomes of the answers to creates: they arrive, are lost with their connection, or never arrive. */
export type CreateAnswers = 'arrive' | 'are-lost' | 'never-arrive';

/** An HTTP proxy before a provider's server. It counts calls, and plays what can happen on the way. */
export interface Wire {
  readonly origin: string;
  /** All calls that reached the proxy. */
  calls(): number;
  /** Those of them that create a prediction. */
  creates(): number;
  /** Breaks all connections on both sides, as when the process of the caller dies. Refuses new ones. */
  cut(): Promise<void>;
}

/** Whether a call creates a prediction. Looks at a Cog prediction are PUTs too, without a prompt. */
export const isCreate = (method: string | undefined, body: string): boolean =>
  method !== 'GET' && body.includes('"prompt"');

/** Opens a proxy before the server at `target`. */
export async function openWire(target: string, answers: CreateAnswers = 'arrive'): Promise<Wire> {
  let calls = 0;
  let creates = 0;

  async function forward(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    calls += 1;
    const body = await text(incoming);
    const { method, headers } = incoming;
    const isPaid = isCreate(method, body);
    if (isPaid) creates += 1;
    const call = request(new URL(incoming.url ?? '', target), { method, headers, agent: false });
    outgoing.once('close', () => call.destroy());
    call.once('error', () => outgoing.destroy());
    call.once('response', (answer) => {
      if (!isPaid || answers === 'arrive') {
        outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(outgoing);
      } else if (answers === 'are-lost') outgoing.destroy();
      else answer.resume();
    });
    call.end(body);
  }

  const server = createServer((incoming, outgoing) => {
    forward(incoming, outgoing).catch(() => outgoing.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls: () => calls,
    creates: () => creates,
    async cut() {
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
