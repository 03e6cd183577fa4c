import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { SERVICE_PROGRAMS } from '@clipmesh/contracts';
import { freePort } from '@clipmesh/testing';
import { z } from 'zod';
import { ApiClient, SandboxClient } from '../src/api.client.js';
import { Command, type Ended } from '../src/stack/command.runner.js';
import { eventually } from '../src/eventually.js';
import { probe } from '../src/ffmpeg/frames.js';
import { urlsIn } from '../src/stack/local.stack.js';
import { isAlive, readPids } from '../src/stack/processes.js';

const RUN = 'deploy/local/run.mjs';
const SMALL = ['--scenes', '3', '--duration', '9', '--aspect', '1:1'];

let dir: string;
let up: Command;
let port: number;
/** Killed at the end, even after failed tests. */
const started: Command[] = [];
const folder = (name: string): string => join(dir, name);

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'clipmesh-commands-'));
  port = await freePort();
  up = start(['up', '--port', String(port), '--data', folder('up')]);
  await up.said(/^ready http\S+$/m, 90_000);
});

afterAll(() => {
  for (const command of started) command.destroy();
  rmSync(dir, { recursive: true, force: true });
});

function start(args: readonly string[], env: Readonly<Record<string, string>> = {}): Command {
  const command = new Command(RUN, args, env);
  started.push(command);
  return command;
}

/** Runs a command that must fail, print one sentence, and leave nothing. */
async function fails(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  const command = start(args, env);
  const ended = await command.end(60_000);
  expect(ended.code).not.toBe(0);
  saysOneSentence(ended);
  expect(command.leftovers()).toEqual([]);
  return ended;
}

function saysOneSentence({ stdout, stderr }: Ended): void {
  expect(stdout + stderr).not.toMatch(/^\s+at /m);
  const lines = stderr.trim().split('\n');
  expect(lines).toHaveLength(1);
  expect(lines[0]?.length).toBeLessThan(300);
}

const pidFiles = (data: string): string[] => (existsSync(join(data, 'run')) ? [...readPids(data).keys()] : []);

describe('npm run demo', () => {
  it('makes a video and its report, and leaves no process', async () => {
    const out = join(folder('videos'), 'kettle.mp4');
    const command = start(['demo', ...SMALL, '--data', folder('demo'), '--out', out]);
    const { code, stdout, stderr } = await command.end(120_000);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(command.leftovers()).toEqual([]);
    expect(pidFiles(folder('demo'))).toEqual([]);

    expect(readdirSync(folder('videos')).sort()).toEqual(['kettle.mp4', 'kettle.report.json']);
    expect(Math.abs((await probe(out)).durationSeconds - 9)).toBeLessThan(0.2);
    const figures = ['makespanMs', 'workMs', 'speedup', 'sequentialMs', 'timeSavedMs', 'efficiency', 'peakConcurrency'];
    const schema = z.looseObject({
      traceId: z.string().regex(/^[0-9a-f]{32}$/),
      ...Object.fromEntries(figures.map((name) => [name, z.number()])),
      workers: z.record(z.string(), z.number()),
      stages: z.array(z.looseObject({ stage: z.string(), workMs: z.number() })),
    });
    const report = schema.parse(JSON.parse(readFileSync(join(folder('videos'), 'kettle.report.json'), 'utf8')));
    expect(report.stages.map(({ stage }) => stage)).toEqual(
      expect.arrayContaining(['llm', 'clip', 'overlay', 'stitch']),
    );

    const percents = [...stdout.matchAll(/^\[.*\] +(\d+) %/gm)].map(([, percent]) => Number(percent));
    expect(new Set(percents).size).toBeGreaterThan(3);
    expect(percents).toEqual(percents.toSorted((a, b) => a - b));
    expect(stdout).toMatch(/^clip +[\d.]+ s +[\d.]+ s +\d+$/m);
    expect(stdout).toMatch(/^Speed-up +[\d.]+x/m);
    expect(stdout).toMatch(/^Cost +\$4\.80\d\d simulated/m);
    for (const name of readdirSync(join(folder('demo'), 'logs'))) {
      for (const line of readFileSync(join(folder('demo'), 'logs', name), 'utf8')
        .trim()
        .split('\n')) {
        expect(() => JSON.parse(line) as unknown).not.toThrow();
      }
    }
  });

  it('stops in the middle on Ctrl-C: predictions are canceled, nothing is left', async () => {
    const command = start(['demo', ...SMALL, '--data', folder('stopped'), '--out', folder('stopped.mp4')]);
    await command.said(/▸/, 90_000);
    const { sandbox } = urlsIn(folder('stopped'));
    await eventually('a purchase', 120_000, async () =>
      (await new SandboxClient(sandbox).invoice()).predictions.length > 0 ? true : undefined,
    );
    const pids = [...readPids(folder('stopped')).values()];
    expect(pids.length).toBeGreaterThanOrEqual(9);
    expect(command.leftovers().length).toBeGreaterThanOrEqual(pids.length);
    command.interruptGroup();
    const ended = await command.end(120_000);
    expect(ended.code).toBe(130);
    saysOneSentence(ended);
    expect(command.leftovers()).toEqual([]);
    expect(pids.filter(isAlive)).toEqual([]);
    expect(pidFiles(folder('stopped'))).toEqual([]);
    expect(existsSync(folder('stopped.mp4'))).toBe(false);
    const log = readFileSync(join(folder('stopped'), 'logs', 'clip-generator.1.log'), 'utf8');
    expect(log).toContain('prediction canceled');
    expect(log).not.toContain('could not be canceled');
  });

  // The command starts an installation itself only as root.
  (process.getuid?.() === 0 ? it : it.skip)(
    'stops on Ctrl-C during an installation, and starts nothing more',
    async () => {
      const programs = folder('bin');
      mkdirSync(programs);
      // An installer that never ends, on a PATH without ffmpeg.
      writeFileSync(join(programs, 'apt-get'), '#!/bin/sh\nexec /bin/sleep 600\n', { mode: 0o755 });
      const command = start(['demo', '--data', folder('install')], { PATH: programs });
      await command.said(/^Installing ffmpeg, ffprobe: apt-get update$/m, 120_000);
      command.interruptGroup();
      const ended = await command.end(120_000);
      expect(ended.code).toBe(130);
      expect(ended.stderr.trim().split('\n').slice(1)).toEqual(['Interrupted; nothing was started.']);
      expect(command.leftovers()).toEqual([]);
    },
  );

  it('stops on Ctrl-C while the stack starts', async () => {
    const command = start(['demo', '--data', folder('early'), '--out', folder('early.mp4')]);
    await command.said(/Starting the local stack/, 60_000);
    await eventually('the first process', 120_000, () => (pidFiles(folder('early')).length > 1 ? true : undefined));
    command.interruptGroup();
    const ended = await command.end(120_000);
    expect(ended.code).toBe(130);
    saysOneSentence(ended);
    expect(command.leftovers()).toEqual([]);
    expect(pidFiles(folder('early'))).toEqual([]);
  });

  it('stops when the reader of its output is closed', async () => {
    const command = start(['demo', ...SMALL, '--data', folder('unread'), '--out', folder('unread.mp4')]);
    await command.said(/▸/, 90_000);
    const pids = [...readPids(folder('unread')).values()];
    command.stopReading();
    expect((await command.end(120_000)).code).not.toBe(0);
    expect(pids.filter(isAlive)).toEqual([]);
    expect(command.leftovers()).toEqual([]);
  });

  it('refuses wrong arguments before anything starts', async () => {
    const data = ['--data', folder('refused')];
    const [flag, empty, long, ffmpeg, out] = await Promise.all([
      fails(['demo', ...data, '--colour', 'red']),
      fails(['demo', ...data, '--prompt', '']),
      fails(['demo', ...data, '--prompt', 'x'.repeat(6000)]),
      fails(['demo', ...data], { FFMPEG_PATH: '/nowhere/ffmpeg' }),
      fails(['demo', ...data, '--out', dir]),
    ]);
    expect(flag).toMatchObject({ code: 2, stderr: expect.stringContaining("'--colour'") });
    expect(empty).toMatchObject({ code: 2, stderr: expect.stringContaining('at least 10 characters') });
    expect(long).toMatchObject({ code: 2, stderr: expect.stringContaining('at most 5000 characters') });
    expect(ffmpeg).toMatchObject({ code: 1, stderr: expect.stringContaining('FFMPEG_PATH') });
    expect(out).toMatchObject({ code: 1, stderr: expect.stringContaining('--out') });
    expect(existsSync(folder('refused'))).toBe(false);
  });

  it('names the service that could not start and the reason, and stops the others', async () => {
    const ended = await fails(['demo', '--data', folder('broken')], { FFMPEG_PATH: '/bin/false' });
    expect(ended.stderr).toMatch(/did not start: .*ffmpeg/);
    expect(pidFiles(folder('broken'))).toEqual([]);
  });
});

describe('npm run up', () => {
  it('writes its URLs, pids and logs', () => {
    const urls = JSON.parse(readFileSync(join(folder('up'), 'run', 'stack.json'), 'utf8')) as unknown;
    expect(urls).toEqual({
      gateway: `http://127.0.0.1:${port}`,
      sandbox: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      nats: expect.stringMatching(/^nats:\/\/127\.0\.0\.1:\d+$/),
    });
  });

  it('does not start twice on one folder, and the first stack continues', async () => {
    const second = await fails(['up', '--port', String(await freePort()), '--data', folder('up')]);
    expect(second).toMatchObject({ code: 1, stderr: expect.stringContaining('--data') });
    expect(pidFiles(folder('up')).sort()).toEqual(
      ['nats.1', 'stack', ...SERVICE_PROGRAMS.map((program) => `${program}.1`)].sort(),
    );
    expect((await new ApiClient(`http://127.0.0.1:${port}`).call('/readyz')).status).toBe(200);
  });

  it('does not start on a port in use', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const taken = (server.address() as AddressInfo).port;
    try {
      const ended = await fails(['up', '--port', String(taken), '--data', folder('taken')]);
      expect(ended).toMatchObject({ code: 1, stderr: expect.stringMatching(new RegExp(`${taken}.*--port`)) });
      expect(pidFiles(folder('taken'))).toEqual([]);
    } finally {
      server.close();
    }
  });

  it('answers every wrong request with a problem and a code', async () => {
    const api = new ApiClient(`http://127.0.0.1:${port}`);
    const unknown = `/v1/generations/gen_${'0'.repeat(32)}`;
    const wrong: [string, Promise<Response>, number, string][] = [
      ['empty prompt', api.post('/v1/generations', { prompt: '' }), 400, 'INVALID_REQUEST'],
      ['no prompt', api.post('/v1/generations', {}), 400, 'INVALID_REQUEST'],
      ['long prompt', api.post('/v1/generations', { prompt: 'x'.repeat(6000) }), 400, 'INVALID_REQUEST'],
      ['bad JSON', api.post('/v1/generations', '{"prompt": '), 400, 'INVALID_REQUEST'],
      ['unknown field', api.post('/v1/generations', { prompt: 'x'.repeat(20), colour: 1 }), 400, 'INVALID_REQUEST'],
      ['unknown id', api.call(unknown), 404, 'GENERATION_NOT_FOUND'],
      ['no id', api.call('/v1/generations/../../etc/passwd'), 404, 'NOT_FOUND'],
      ['video of an unknown id', api.call(`${unknown}/video`), 404, 'GENERATION_NOT_FOUND'],
      ['unknown address', api.call('/v2/everything'), 404, 'NOT_FOUND'],
    ];
    for (const [what, answer, status, code] of wrong) {
      const response = await answer;
      const problem = (await response.json()) as Record<string, unknown>;
      expect({ what, status: response.status, code: problem['code'] }).toEqual({ what, status, code });
      expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
      expect(problem).toMatchObject({ status, title: expect.any(String), detail: expect.any(String) });
      expect(JSON.stringify(problem)).not.toMatch(/node_modules|dist\/|\bat [A-Z]/);
    }
  });

  it('cleans up after a killed stack, and keeps its records', async () => {
    const data = folder('killed');
    const boot = async (): Promise<{ command: Command; api: ApiClient; pids: Map<string, number> }> => {
      const own = await freePort();
      const command = start(['up', '--port', String(own), '--data', data], { ACK_WAIT_SECONDS: '3' });
      await command.said(/^ready http\S+$/m, 60_000);
      return { command, api: new ApiClient(`http://127.0.0.1:${own}`), pids: readPids(data) };
    };
    const first = await boot();
    const sandbox = new SandboxClient(urlsIn(data).sandbox);
    await sandbox.scenario({ clipSeconds: { min: 60, max: 60 } });
    const id = await first.api.create({
      prompt: 'A cup that stays warm all day long.',
      durationSeconds: 9,
      sceneCount: 3,
    });
    await eventually('clips under way', 120_000, async () =>
      (await sandbox.invoice()).predictions.length === 3 ? true : undefined,
    );
    process.kill(first.pids.get('stack') ?? 0, 'SIGKILL');
    await first.command.end(120_000);

    const second = await boot();
    expect([...first.pids].filter(([, pid]) => isAlive(pid))).toEqual([]);
    expect(first.command.leftovers()).toEqual([]);
    // The new sandbox does not know the predictions of the old one, so clips in flight are bought again, once.
    expect((await second.api.succeeded(id, 60_000)).progress).toBe(100);
    expect((await new SandboxClient(urlsIn(data).sandbox).invoice()).predictions).toHaveLength(3);
    second.command.interruptGroup();
    expect((await second.command.end(120_000)).code).toBe(0);
    expect(second.command.leftovers()).toEqual([]);
  });

  it('waits for a service that does not stop, and kills it on a second Ctrl-C', async () => {
    const pids = readPids(folder('up'));
    const overlay = pids.get('overlay.1') ?? 0;
    process.kill(overlay, 'SIGSTOP');
    up.interruptGroup();
    await eventually('the others to stop', 120_000, () => (pidFiles(folder('up')).length <= 4 ? true : undefined));
    await sleep(1_000);
    expect(isAlive(overlay)).toBe(true);
    up.interruptGroup();
    const { code, stdout, stderr } = await up.end(120_000);
    expect(code).toBe(0);
    expect(stdout + stderr).not.toMatch(/^\s+at /m);
    expect(up.leftovers()).toEqual([]);
    expect([...pids].filter(([, pid]) => isAlive(pid))).toEqual([]);
    expect(pidFiles(folder('up'))).toEqual([]);
  });
});
