import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { withTimeout } from '@clipmesh/contracts';
import { type NatsConnection } from '@nats-io/transport-node';

export interface HealthOptions {
  readonly host: string;
  readonly port: number;
  readonly connection: Pick<NatsConnection, 'isClosed' | 'flush'>;
  /** Timeout of the broker's answer, ms. */
  readonly timeoutMs: number;
}
export interface HealthServer {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Health endpoints of a service without an API. `GET /healthz`: 200 while the process runs, 503 once its connection to the
 * broker is closed. `GET /readyz`: 200 if the broker answers, else 503. Rejects if the port is in use.
 */
export async function openHealth({ host, port, connection, timeoutMs }: HealthOptions): Promise<HealthServer> {
  const answers: Readonly<Record<string, () => Promise<boolean>>> = {
    '/healthz': () => Promise.resolve(!connection.isClosed()),
    '/readyz': () => reaches(connection, timeoutMs),
  };
  const server = createServer((request, response) => {
    const answer = answers[request.url ?? ''];
    if (answer === undefined || request.method !== 'GET') reply(response, 404, 'unknown');
    else
      void answer().then((good) => {
        reply(response, good ? 200 : 503, good ? 'ok' : 'unavailable');
      });
  });
  server.listen(port, host);
  await once(server, 'listening');
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    close: async () => {
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function reaches(connection: HealthOptions['connection'], timeoutMs: number): Promise<boolean> {
  if (connection.isClosed()) return false;
  return withTimeout(timeoutMs, () => connection.flush()).then(
    () => true,
    () => false,
  );
}

function reply(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'application/json', connection: 'close' });
  response.end(JSON.stringify({ status: text }));
}
