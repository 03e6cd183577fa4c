import { existsSync } from 'node:fs';
import { type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { type ClipmeshError } from '@clipmesh/contracts';
import { tempFolder } from '@clipmesh/testing';
import { json } from '../fake.server.js';
import { type Bench, never, oldest, operationOf } from './contract.bench.js';
import { isCreate } from './wire.proxy.js';

/** More than an adapter should read of an answer, bytes. */
const ENDLESS_BYTES = 128 * 1024 * 1024;

/** Bytes of {@link sendEndless} that were sent for the last answer. */
let sent = 0;

/** Sends until the receiver has had enough. */
function sendEndless(response: ServerResponse): void {
  sent = 0;
  const chunk = Buffer.alloc(64 * 1024, 32);
  const send = (): void => {
    while (sent < ENDLESS_BYTES && !response.destroyed) {
      sent += chunk.length;
      if (!response.write(chunk)) {
        response.once('drain', send);
        return;
      }
    }
    response.end();
  };
  response.writeHead(200, { 'content-type': 'application/json' });
  send();
}

const ANSWERS: readonly (readonly [name: string, answer: (response: ServerResponse) => void])[] = [
  ['a page', (response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>welcome</html>')],
  ['a failed proxy', (response) => response.writeHead(502, { 'content-type': 'text/html' }).end('<html>502</html>')],
  [
    'null',
    (response) => {
      json(response, 200, null);
    },
  ],
  [
    'a list',
    (response) => {
      json(response, 200, []);
    },
  ],
  [
    'other types',
    (response) => {
      json(response, 200, { id: 7, status: 'odd', request_id: {}, output: 1 });
    },
  ],
  [
    'an id that is a path',
    (response) => {
      json(response, 200, { id: '../../x', status: 'starting', request_id: '../../x' });
    },
  ],
  [
    'half an answer',
    (response) => response.writeHead(200, { 'content-length': '100' }).write('{"id":', () => response.destroy()),
  ],
  ['no answer', (response) => response.destroy()],
];

/** What a Cog server is asked for first, so that its adapter sends a create. */
const FIRST_ANSWERS: Readonly<Record<string, unknown>> = {
  '/openapi.json': { components: { schemas: { Input: { required: ['prompt'] } } } },
  '/health-check': { status: 'READY' },
};

/** Codes of failures that may pass, or that another model may not have. */
const CODES = ['PROVIDER_BAD_ANSWER', 'PROVIDER_UNAVAILABLE', 'PROVIDER_TIMEOUT', 'PROVIDER_BAD_INPUT'];

/** Cases of servers that are not what they should be. */
export function hostileCases({ subject, open, fake, request }: Bench): void {
  it.each(ANSWERS)('ends every call with an error, and repeats no create, when it gets %s', async (_name, answer) => {
    let creates = 0;
    const server = await fake(({ method, url, body }, response) => {
      const first = Object.entries(FIRST_ANSWERS).find(([path]) => url.endsWith(path));
      if (isCreate(method, body)) creates += 1;
      if (first === undefined) answer(response);
      else json(response, 200, first[1]);
    });
    const shop = open({ origin: server.origin });
    const purchase = request('a cup');
    const operation = operationOf({ id: 'p-1' }, purchase);
    const calls = [
      () => shop.submit(purchase, never),
      () => shop.get(operation, never),
      // The process that holds the answer of a Cog server would find it there.
      () => open({ origin: server.origin }).find({ request: purchase, since: new Date(0), adopt: oldest }, never),
    ];
    // Only a provider that never knows answers a search without a call.
    const ends = ['unknowable', ...CODES, ...(subject.features.lostAnswer === 'fails-the-run' ? ['failed'] : [])];
    for (const call of calls) {
      const ended = await call().then(
        (value) => ('kind' in value ? value.kind : value.status),
        (error: unknown) => (error as ClipmeshError).code,
      );
      expect(ends).toContain(ended);
    }
    expect(creates).toBe(1);
  });

  it('reads no answer without an end', async () => {
    const server = await fake((_call, response) => {
      sendEndless(response);
    });
    const operation = operationOf({ id: 'p-1' }, request('a cup'));
    const ended = open({ origin: server.origin }).get(operation, never);
    await expect(ended).rejects.toHaveProperty('code', expect.stringMatching(/BAD_ANSWER|UNAVAILABLE/));
    expect(sent).toBeLessThan(ENDLESS_BYTES);
  });

  it('does not follow an answer to another host', async () => {
    let strays = 0;
    const elsewhere = await fake((_call, response) => {
      strays += 1;
      response.end();
    });
    const server = await fake((_call, response) => {
      response.writeHead(307, { location: `${elsewhere.origin}/` }).end();
    });
    const shop = open({ origin: server.origin });
    const purchase = request('a cup');
    for (const call of [shop.get(operationOf({ id: 'p-1' }, purchase), never), shop.submit(purchase, never)])
      await expect(call).rejects.toHaveProperty('code', expect.stringMatching(/^PROVIDER_/));
    expect(strays).toBe(0);
  });

  it.each(['file:///etc/passwd', 'http://169.254.169.254/latest', 'ftp://127.0.0.1/clip.mp4', 'clip.mp4', ''])(
    'does not download from %p',
    async (url) => {
      const folder = await tempFolder('hostile');
      const file = join(folder.path, 'clip.mp4');
      await expect(open().download(url, file, never)).rejects.toMatchObject({
        code: 'PROVIDER_BAD_ANSWER',
        retryable: false,
      });
      expect(existsSync(file)).toBe(false);
      await folder.remove();
    },
  );
}
