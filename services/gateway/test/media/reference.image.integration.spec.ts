import { createServer, type IncomingHttpHeaders, type RequestListener, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type Artifact } from '@clipmesh/contracts';
import { type Broker, leakCheck, pngOf, startBroker, tempFolder, type TempFolder } from '@clipmesh/testing';
import { buffer } from 'node:stream/consumers';
import { problem, startGateway, type TestGateway } from '../gateway.harness.js';

const IMAGE = pngOf(400, 400);
const leaks = leakCheck();
let broker: Broker;
let folder: TempFolder;
/** Allows private URLs; `closed` does not. */
let open: TestGateway;
let closed: TestGateway;
let server: Server;
let origin: string;
let connections: number;
let seen: { path: string; headers: IncomingHttpHeaders }[];
let answer: RequestListener;

beforeAll(async () => {
  broker = await startBroker();
  folder = await tempFolder('gateway');
  open = await startGateway(broker, folder.path, { ALLOW_PRIVATE_URLS: 'true', REFERENCE_IMAGE_TIMEOUT: '8' });
  closed = await startGateway(broker, folder.path);
});

afterAll(async () => {
  await open.stop();
  await closed.stop();
  await broker.stop();
  await folder.remove();
  expect(leaks()).toEqual([]);
});

beforeEach(async () => {
  connections = 0;
  seen = [];
  answer = (_request, response) => response.end(IMAGE);
  server = createServer((request, response) => {
    seen.push({ path: request.url ?? '', headers: request.headers });
    answer(request, response);
  });
  server.on('connection', () => (connections += 1));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

async function imageOf(gateway: TestGateway, response: Response): Promise<Artifact | undefined> {
  expect(response.status).toBe(202);
  const { id } = (await response.json()) as { id: string };
  return (await gateway.stores.generations.get(id))?.value.state.job.referenceImage;
}

describe('a reference image in the request', () => {
  it('is stored and referenced by the job', async () => {
    const data = `data:image/png;base64,${IMAGE.toString('base64')}`;
    const image = await imageOf(closed, await closed.create({ referenceImage: { data } }));
    expect(image?.contentType).toBe('image/png');
    expect(await buffer(await closed.artifacts.open(image as Artifact))).toEqual(IMAGE);
  });

  it('is a 400 with the field when it is not an image', async () => {
    const data = `data:image/png;base64,${Buffer.from('not an image').toString('base64')}`;
    const response = await closed.create({ referenceImage: { data } });
    expect(response.status).toBe(400);
    expect(await problem(response)).toMatchObject({
      code: 'INVALID_REQUEST',
      errors: [{ field: 'referenceImage.data', message: 'neither a JPEG nor a PNG' }],
    });
  });
});

describe('a reference image at a URL', () => {
  const create = (path: string, headers: Record<string, string> = {}): Promise<Response> =>
    open.create({ referenceImage: { url: `${origin}${path}` } }, headers);

  it('is fetched once, without a trace id or other headers', async () => {
    const image = await imageOf(open, await create('/a.png?key=secret'));
    expect(await buffer(await open.artifacts.open(image as Artifact))).toEqual(IMAGE);
    expect(seen.map(({ path }) => path)).toEqual(['/a.png?key=secret']);
    expect(Object.keys(seen[0]?.headers ?? {}).sort()).toEqual(['accept', 'connection', 'host', 'user-agent']);
  });

  it('is fetched through redirects', async () => {
    answer = (request, response) => {
      if (request.url === '/old') response.writeHead(302, { location: '/new' }).end();
      else response.end(IMAGE);
    };
    expect(await imageOf(open, await create('/old'))).toMatchObject({ contentType: 'image/png' });
  });

  it.each<[string, RequestListener, RegExp]>([
    ['is missing', (_, response) => response.writeHead(404).end(), /answered with status 404/],
    [
      'upgrades to another protocol',
      (_, response) => response.writeHead(101, { connection: 'upgrade', upgrade: 'websocket' }).end(),
      /answered with status 101/,
    ],
    ['redirects in a loop', (_, response) => response.writeHead(302, { location: '/' }).end(), /redirects more than 3/],
    [
      'redirects to a file',
      (_, response) => response.writeHead(302, { location: 'file:///etc/passwd' }).end(),
      /only https/,
    ],
    [
      'is interrupted',
      (_, response) => response.writeHead(200, { 'content-length': '9' }).end('x', () => response.destroy()),
      /cannot be reached/,
    ],
    ['never ends', (_, response) => void response.writeHead(200).write('x'), /longer than 8 s/],
    ['is too large', (_, response) => response.end(Buffer.alloc(10 * 1024 * 1024 + 1)), /more than 10485760 bytes/],
  ])('that %s is a 422 with the reason', async (_name, behaviour, words) => {
    answer = behaviour;
    const response = await create('/');
    expect(response.status).toBe(422);
    const { code, detail } = await problem(response);
    expect(code).toBe('REFERENCE_IMAGE_NOT_FETCHED');
    expect(detail).toMatch(words);
  });

  it('that is not an image is a 400', async () => {
    answer = (_, response) => response.end('<html>');
    expect(await problem(await create('/'))).toMatchObject({ status: 400, detail: expect.stringContaining('neither') });
  });

  it('that fails does not use up the Idempotency-Key', async () => {
    const key = { 'idempotency-key': 'image-1' };
    answer = (_, response) => response.writeHead(503).end();
    expect((await create('/', key)).status).toBe(422);
    answer = (_, response) => response.end(IMAGE);
    const first = await create('/', key);
    expect(first.status).toBe(202);
    const again = await create('/', key);
    expect(await again.json()).toEqual(await first.json());
    expect(seen).toHaveLength(2);
  });
});

describe('a private URL', () => {
  it.each([
    ['plain http', () => origin, /only https/],
    ['this machine', () => origin.replace('http:', 'https:'), /cannot be reached/],
    ['its name', () => origin.replace('http://127.0.0.1', 'https://localhost'), /cannot be reached/],
    ['its number', () => origin.replace('http://127.0.0.1', 'https://2130706433'), /cannot be reached/],
    [
      'its address in IPv6',
      () => origin.replace('http://127.0.0.1', 'https://[::ffff:127.0.0.1]'),
      /cannot be reached/,
    ],
    ['the metadata service of a cloud', () => 'https://169.254.169.254/latest', /cannot be reached/],
    ['a private network', () => 'https://10.0.0.1/', /cannot be reached/],
    ['a user', () => 'https://user:secret@example.com/', /contains a user/],
  ])('of %s is not fetched', async (_name, url, words) => {
    const response = await closed.create({ referenceImage: { url: url() } });
    expect(response.status).toBe(422);
    expect(JSON.stringify(await problem(response))).toMatch(words);
    expect(connections).toBe(0);
  });
});
