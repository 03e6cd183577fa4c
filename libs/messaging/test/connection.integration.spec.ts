import { type AddressInfo, connect as dial, createServer, type Socket } from 'node:net';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import {
  type Broker,
  freePort,
  leakCheck,
  makeCertificate,
  startBroker,
  tempFolder,
  type TempFolder,
  until,
  within,
} from '@clipmesh/testing';
import { jetstreamManager } from '@nats-io/jetstream';
import { nkeys } from '@nats-io/transport-node';
import { type BrokerAccess, BrokerRefusal, type Clock, connectBroker, questionTransport } from '../src/index.js';
import { retryTransient } from '../src/broker/connection.js';
import { userCreds } from './user.creds.js';

/** Timeout that only ends a hang. */
const HANG_MS = 60_000;
const GRACE_MS = 600_000;
const SECRET = 'sesame';
const leaks = leakCheck();
let folder: TempFolder;
let brokers: Broker[] = [];

beforeAll(async () => {
  folder = await tempFolder('connection');
  for (const name of ['server', 'other']) makeCertificate(folder.path, name);
});
afterEach(async () => {
  await Promise.all(brokers.map((broker) => broker.stop()));
  brokers = [];
});
afterAll(async () => {
  await folder.remove();
  expect(leaks()).toEqual([]);
});

const file = (name: string): string => join(folder.path, name);
function write(name: string, text: string): string {
  writeFileSync(file(name), text);
  return file(name);
}
/** Every config gives a client 60 s to authenticate: the default of 2 s is too short for a busy machine. */
async function serve(config: string, core = true): Promise<Broker> {
  const broker = await startBroker({ core, configFile: write(`nats.${brokers.length}.conf`, config) });
  brokers.push(broker);
  return broker;
}
const at = (broker: Broker, credentials = '', protocol = 'nats'): string =>
  `${protocol}://${credentials}127.0.0.1:${broker.port}`;

/** A clock whose sleeps return at once and are recorded. */
function recordingClock(): { clock: Clock; waits: number[] } {
  let nowMs = 0;
  const waits: number[] = [];
  const sleep = (ms: number): Promise<void> => {
    waits.push(ms);
    nowMs += ms;
    return Promise.resolve();
  };
  return { clock: { now: () => nowMs, sleep }, waits };
}
async function connects(access: BrokerAccess): Promise<void> {
  const connection = await within(connectBroker({ ...access, name: 'test', graceMs: GRACE_MS }), HANG_MS, 'it');
  await connection.flush();
  await connection.close();
}
/** Expects a rejection of the first attempt, with advice and without a secret. */
async function rejects(access: BrokerAccess, advice: RegExp): Promise<void> {
  const { clock, waits } = recordingClock();
  const tried = connectBroker({ ...access, name: 'test', graceMs: GRACE_MS, clock });
  const error = await within(tried, HANG_MS, 'it').then(
    () => undefined,
    (thrown: unknown) => thrown as Error,
  );
  expect(error).toBeInstanceOf(BrokerRefusal);
  expect(error?.message).toMatch(advice);
  expect(error?.message).not.toMatch(/start nats-server -js/);
  expect(error?.message).not.toContain(SECRET);
  expect(waits).toEqual([]);
}

describe('a connection to the broker', () => {
  it('by user and password, percent-encoded', async () => {
    const broker = await serve('authorization { timeout: 60, user: "a b", password: "p@:/ä" }');
    await connects({ url: at(broker, `${encodeURIComponent('a b')}:${encodeURIComponent('p@:/ä')}@`) });
    await rejects({ url: at(broker, `${encodeURIComponent('a b')}:${SECRET}@`) }, /does not accept the credentials/);
    await rejects({ url: at(broker) }, /does not accept the credentials; check .* NATS_URL/);
    await rejects({ url: at(broker, `${SECRET}@`) }, /does not accept the credentials/);
  });

  it('by token', async () => {
    const broker = await serve('authorization { timeout: 60, token: "s3cr3t" }');
    await connects({ url: at(broker, 's3cr3t@') });
    await rejects({ url: at(broker, `${SECRET}@`) }, /the token in NATS_URL/);
  });

  it('by an NKey, whose file may change while connected', async () => {
    const [user, other] = [nkeys.createUser(), nkeys.createUser()];
    const seed = (key: typeof user): string => Buffer.from(key.getSeed()).toString();
    const broker = await serve(`authorization { timeout: 60, users: [ { nkey: ${user.getPublicKey()} } ] }`);
    const nkeySeedFile = write('user.nk', `${seed(user)}\n`);
    await connects({ url: at(broker), nkeySeedFile });
    await rejects({ url: at(broker), nkeySeedFile: write('other.nk', seed(other)) }, /NATS_NKEY_SEED_FILE/);
    await rejects(
      { url: at(broker), nkeySeedFile: write('bad.nk', `SU${SECRET}`) },
      /contains no credentials of a NATS user/,
    );
    await rejects({ url: at(broker), nkeySeedFile: file('none') }, /NATS_NKEY_SEED_FILE cannot be read \(ENOENT\)/);
    const connection = await connectBroker({ url: at(broker), nkeySeedFile, name: 'test', reconnectFirstMs: 10 });
    const back = until(connection.status(), HANG_MS, 'the reconnection', ({ type }) => type === 'reconnect');
    write('user.nk', 'a partial write');
    await broker.restart();
    await back;
    await connection.flush();
    await connection.close();
  });

  it('by a credentials file', async () => {
    const { serverConfig, creds, foreign } = userCreds();
    const broker = await serve(serverConfig);
    await connects({ url: at(broker), credsFile: write('user.creds', creds) });
    await rejects({ url: at(broker), credsFile: write('foreign.creds', foreign) }, /NATS_CREDS_FILE/);
    await rejects(
      { url: at(broker), credsFile: write('bad.creds', SECRET) },
      /file of NATS_CREDS_FILE contains no cred/,
    );
  });

  it('with TLS, and never in clear when TLS is required', async () => {
    const broker = await serve(
      `tls { timeout: 60, cert_file: "${file('server.pem')}", key_file: "${file('server.key')}" }`,
    );
    await connects({ url: at(broker, '', 'tls'), tlsCaFile: file('server.pem') });
    await connects({ url: at(broker), tlsCaFile: file('server.pem') });
    await rejects({ url: at(broker, '', 'tls') }, /certificate is not accepted .*NATS_TLS_CA_FILE/);
    await rejects({ url: at(broker) }, /certificate is not accepted .*NATS_TLS_CA_FILE/);
    await rejects({ url: at(broker), tlsCaFile: file('other.pem') }, /certificate is not accepted/);
    await rejects({ url: at(broker), tlsCaFile: file('none.pem') }, /NATS_TLS_CA_FILE cannot be read/);
    await rejects({ url: at(broker), tlsCaFile: write('no.pem', SECRET) }, /NATS_TLS_CA_FILE is not a PEM file/);
    const plain = await serve('');
    await rejects({ url: at(plain, '', 'tls') }, /has no TLS and NATS_URL asks for it/);
    await rejects({ url: at(plain), tlsCaFile: file('server.pem') }, /has no TLS/);
    expect(questionTransport({ url: at(plain, '', 'tls') }, { name: 'test' }).options).toMatchObject({ tls: {} });
  });

  it('with a client certificate', async () => {
    const broker = await serve(
      `tls { timeout: 60, cert_file: "${file('server.pem')}", key_file: "${file('server.key')}", ca_file: "${file('other.pem')}", verify: true }`,
    );
    const tlsCaFile = file('server.pem');
    await connects({ url: at(broker), tlsCaFile, tlsCertFile: file('other.pem'), tlsKeyFile: file('other.key') });
    const silent = connectBroker({ url: at(broker), tlsCaFile, name: 'test', graceMs: 0, connectTimeoutMs: 1000 });
    await expect(silent).rejects.toThrow(/NATS_TLS_CERT_FILE/);
  });

  it('to any of several addresses that answers, also after a failover', async () => {
    const [first, second] = [await serve(''), await serve('')];
    const nobody = `nats://127.0.0.1:${await freePort()}`;
    const connection = await connectBroker({
      url: [nobody, at(first), at(second)].join(','),
      name: 'test',
      graceMs: GRACE_MS,
      reconnectFirstMs: 10,
      reconnectMaxMs: 50,
    });
    const other = connection.getServer().endsWith(String(first.port)) ? second : first;
    const back = until(connection.status(), HANG_MS, 'the reconnection', ({ type }) => type === 'reconnect');
    await (other === second ? first : second).kill();
    await back;
    await connection.flush();
    expect(connection.getServer()).toContain(String(other.port));
    await connection.close();
  });

  it('fails at once if the server is not a broker', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    await rejects({ url: `nats://user:${SECRET}@127.0.0.1:${port}` }, /not a nats-server; correct host and port/);
    server.close();
  });

  it('is retried after an authentication timeout', async () => {
    const broker = await serve('authorization { user: user, password: sesame, timeout: 1 }');
    const sockets: Socket[] = [];
    // Drops what the first client sends, so that the broker times out.
    const proxy = createServer((client) => {
      const server = dial(broker.port, '127.0.0.1');
      sockets.push(
        client.on('error', () => undefined),
        server.on('error', () => undefined),
      );
      server.pipe(client);
      if (sockets.length > 2) client.pipe(server);
    }).listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    const { port } = proxy.address() as AddressInfo;
    const { clock, waits } = recordingClock();
    const tried = connectBroker({
      url: `nats://user:${SECRET}@127.0.0.1:${port}`,
      name: 'test',
      graceMs: GRACE_MS,
      clock,
    });
    const connection = await within(tried, HANG_MS, 'the second connect');
    expect(waits.length).toBeGreaterThanOrEqual(1);
    await connection.close();
    for (const socket of sockets) socket.destroy();
    proxy.close();
  });

  it('retries the set-up while JetStream is unavailable, and rejects after the grace time', async () => {
    const broker = await serve('');
    const connection = await broker.connect();
    const access = { url: at(broker) };
    const unavailable = () => jetstreamManager(connection);
    let tries = 0;
    const { clock, waits } = recordingClock();
    const back = (): Promise<unknown> => ((tries += 1) < 3 ? unavailable() : Promise.resolve('back'));
    expect(await retryTransient(access, back, { graceMs: GRACE_MS, clock })).toBe('back');
    expect(waits).toHaveLength(2);
    const rejected = retryTransient(access, unavailable, { graceMs: 30_000, clock });
    await expect(rejected).rejects.toThrow(/has no JetStream/);
    await expect(rejected).rejects.toBeInstanceOf(BrokerRefusal);
    expect(waits.length).toBeGreaterThan(4);
    await connection.close();
  });

  it('is retried with back-off while no broker answers, then fails with advice', async () => {
    const { clock, waits } = recordingClock();
    const url = `nats://user:${SECRET}@127.0.0.1:${await freePort()},nats://127.0.0.1:${await freePort()}`;
    const tried = connectBroker({ url, name: 'test', graceMs: 30_000, clock });
    await expect(tried).rejects.toThrow(
      /^the broker at 127\.0\.0\.1:\d+, 127\.0\.0\.1:\d+ does not answer; start nats-server -js/,
    );
    await expect(tried).rejects.not.toThrow(SECRET);
    expect(waits.length).toBeLessThan(20);
    expect(Math.max(...waits)).toBeLessThanOrEqual(5000);
    expect(waits.at(-1) ?? 0).toBeGreaterThan(10 * (waits[0] ?? Infinity) - 1);
  });
});
