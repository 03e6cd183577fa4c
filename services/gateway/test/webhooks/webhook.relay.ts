import { createServer, type IncomingHttpHeaders } from 'node:http';
import { type AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

/** A webhook as a provider sent it. */
export interface SentReport {
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: Buffer;
}

/** Stands between a provider and the gateway: keeps each webhook, and passes it on while it is open. */
export interface WebhookRelay {
  readonly url: string;
  readonly sent: SentReport[];
  /** False: answers 503 instead of passing on, as a proxy does while the gateway is down. */
  isOpen: boolean;
  stop(): Promise<void>;
}

const HOP_HEADERS = new Set(['host', 'connection', 'content-length', 'transfer-encoding']);

const passedOn = (headers: IncomingHttpHeaders): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => (HOP_HEADERS.has(name) ? [] : [[name, String(value)]])),
  );

/** Starts a relay to `target`, the gateway's URL, which is asked for with each webhook. */
export async function startWebhookRelay(target: () => string): Promise<WebhookRelay> {
  const sent: SentReport[] = [];
  const server = createServer((request, response) => {
    void buffer(request).then(async (body) => {
      const report = { path: request.url ?? '', headers: passedOn(request.headers), body };
      sent.push(report);
      if (!relay.isOpen) {
        response.writeHead(503).end();
        return;
      }
      const answer = await fetch(`${target()}${report.path}`, {
        method: 'POST',
        headers: report.headers,
        body: body.toString(),
      });
      response.writeHead(answer.status).end(await answer.text());
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const relay: WebhookRelay = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    sent,
    isOpen: true,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return relay;
}
