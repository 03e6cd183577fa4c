import { request as httpRequest } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { openNudges, type Nudges } from '@clipmesh/messaging';
import { openProviderReports, type ProviderReports } from '@clipmesh/persistence';
import { reportAddress, reportNudgeId } from '@clipmesh/providers';
import { type Broker, filesUnder, startBroker, tempFolder, type TempFolder, until } from '@clipmesh/testing';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { join } from 'node:path';
import { DEADLINE_MS, rawCall, startGateway, type TestGateway } from '../gateway.harness.js';

const SECRET = 'a-secret-of-the-tests-long-enough';
const JSON_TYPE = { 'content-type': 'application/json' };
let broker: Broker;
let folder: TempFolder;
let gateway: TestGateway;
let nudges: Nudges;
let reports: ProviderReports;
const lines: string[] = [];
let keys = 0;
const newKey = (): string => `clip.gen_${'c'.repeat(32)}.0.${(keys += 1)}`;
const pathOf = (key: string, secret = SECRET, provider: 'cog' | 'fal' = 'cog'): string =>
  new URL(reportAddress('http://x', secret, { provider, key })).pathname;
const post = async (path: string, body: string, headers: Record<string, string> = JSON_TYPE): Promise<number> =>
  (await fetch(`${gateway.url}${path}`, { method: 'POST', body, headers })).status;
const reportOf = (id: string, output = 'data:video/mp4;base64,AAAA'): string =>
  JSON.stringify({ id, status: 'succeeded', output, metrics: { predict_time: 1.5 } });
const storedOf = async (key: string): Promise<string> => {
  const name = await reports.find('cog', key);
  if (name === undefined) throw new Error(`there is no report of ${key}`);
  return (await buffer(await gateway.artifacts.open({ key: name }))).toString();
};
const drafts = (): Promise<string[]> => filesUnder(join(gateway.runtime.config.artifactsDir, 'tmp'));

beforeAll(async () => {
  folder = await tempFolder('cog-reports');
  broker = await startBroker();
  const env = {
    PROVIDER_WEBHOOK_SECRET: SECRET,
    COG_WEBHOOK_URL: 'http://gateway.internal:8080',
    COG_REPORT_MAX_MB: '24',
    LOG_LEVEL: 'trace',
  };
  gateway = await startGateway(broker, folder.path, env, (line) => void lines.push(line));
  nudges = openNudges(gateway.runtime.connection);
  reports = openProviderReports(gateway.stores.idempotency);
}, DEADLINE_MS);
afterAll(async () => {
  // beforeAll may have failed halfway: close what it opened.
  (nudges as Nudges | undefined)?.close();
  await (gateway as TestGateway | undefined)?.stop();
  await (broker as Broker | undefined)?.stop();
  await folder.remove();
}, DEADLINE_MS);

describe('reports of Cog servers', () => {
  it('are stored as they are, larger than any other request may be, and wake the waiting handler', async () => {
    const key = newKey();
    const body = reportOf(key, `data:video/mp4;base64,${'A'.repeat(20 * 1024 * 1024)}`);
    const woken = new Promise<void>((resolve) => {
      nudges.on(reportNudgeId(key), resolve);
    });
    expect(await post(pathOf(key), body)).toBe(204);
    await woken;
    expect((await storedOf(key)) === body).toBe(true);
  });

  it('are stored once: repeated and later ones change nothing', async () => {
    const key = newKey();
    const [first, second] = [reportOf(key), reportOf(key, 'data:video/mp4;base64,BBBB')];
    expect(await Promise.all([0, 1, 2].map(() => post(pathOf(key), first)))).toEqual([204, 204, 204]);
    expect(await post(pathOf(key), second)).toBe(204);
    expect(await storedOf(key)).toBe(first);
  });

  it('are rejected, and nothing is stored, unless address, size and form are right', async () => {
    const key = newKey();
    const path = pathOf(key);
    const body = reportOf(key);
    const mac = path.split('/').at(-1) ?? '';
    const forged = path.replace(mac, `${mac.startsWith('A') ? 'B' : 'A'}${mac.slice(1)}`);
    const large = reportOf(key, 'x'.repeat(25 * 1024 * 1024));
    const refused: [string, string, string, Record<string, string>, number][] = [
      ['a forged address', forged, body, JSON_TYPE, 401],
      ['the address of another purchase', path.replace(key, newKey()), body, JSON_TYPE, 401],
      ['an address of another secret', pathOf(key, 'x'.repeat(32)), body, JSON_TYPE, 401],
      ['the address of another provider', pathOf(key, SECRET, 'fal').replace('/fal/', '/cog/'), body, JSON_TYPE, 401],
      ['a forged address in another spelling', forged.replace('/cog/', '/COG/'), body, JSON_TYPE, 401],
      ['an address in another spelling', path.replace('/cog/', '/COG/'), body, JSON_TYPE, 401],
      ['another type', path, body, { 'content-type': 'text/plain' }, 415],
      ['no body', path, '', JSON_TYPE, 400],
      ['too large', path, large, JSON_TYPE, 413],
    ];
    for (const [name, at, text, headers, status] of refused)
      expect({ name, status: await post(at, text, headers).catch(String) }).toEqual({ name, status });
    expect(await reports.find('cog', key)).toBeUndefined();
    expect(await drafts()).toEqual([]);
    expect(await post(path, body)).toBe(204);
    expect(await storedOf(key)).toBe(body);
  });

  it('are not stored when the connection breaks', async () => {
    const key = newKey();
    const body = reportOf(key);
    const headers = { ...JSON_TYPE, 'content-length': String(body.length) };
    const broken = httpRequest(`${gateway.url}${pathOf(key)}`, { method: 'POST', headers });
    broken.on('error', () => undefined);
    const closed = new Promise((resolve) => broken.once('close', resolve));
    broken.write(body.slice(0, 20));
    await until(async () => (await drafts()).length > 0, DEADLINE_MS, 'the start of the report');
    broken.destroy();
    await closed;
    await until(async () => (await drafts()).length === 0, DEADLINE_MS, 'the end of the report');
    expect(await reports.find('cog', key)).toBeUndefined();
    expect(await post(pathOf(key), body)).toBe(204);
  });

  it('are accepted under another host name without API_KEYS, only with COG_WEBHOOK_URL', async () => {
    const key = newKey();
    const body = reportOf(key);
    const headers = { ...JSON_TYPE, host: 'gateway.internal:8080', 'content-length': String(body.length) };
    const statusOf = async (port: number, path: string): Promise<number> =>
      (await rawCall(port, path, { method: 'POST', headers, body })).status;
    expect(await statusOf(gateway.port, pathOf(key))).toBe(204);
    // Without PUBLIC_URL, fal sends no reports.
    expect(await statusOf(gateway.port, pathOf(key, SECRET, 'fal'))).toBe(421);
    const closed = await startGateway(broker, folder.path, { PROVIDER_WEBHOOK_SECRET: SECRET });
    try {
      expect(await statusOf(closed.port, pathOf(newKey()))).toBe(421);
      const local = await fetch(`${closed.url}${pathOf(newKey())}`, { method: 'POST', headers: JSON_TYPE, body });
      expect(local.status).toBe(401);
    } finally {
      await closed.stop();
    }
  });

  it('leave no address in the log', () => {
    const all = lines.join('\n');
    expect(all).toContain('cog reported a purchase');
    expect(all).not.toMatch(/clip\.gen_\w+\.\d+\.\d+\/[\w-]{43}/);
    expect(all).not.toContain(SECRET);
  });
});
