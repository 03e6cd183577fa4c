import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sandboxVariablesByToken, type Setting, SETTINGS } from '@clipmesh/config';
import { SCALED_SERVICES, SERVICE_PROGRAMS, SERVICE_TABLE } from '@clipmesh/contracts';
import { describe, expect, it } from '@jest/globals';
import { execa } from 'execa';
import YAML from 'yaml';
import { z } from 'zod';
// eslint-disable-next-line @nx/enforce-module-boundaries -- plain Node that writes the file, so not a package
import { fillCompose } from '../../local/compose.file.mjs';
// eslint-disable-next-line @nx/enforce-module-boundaries -- plain Node that runs before anything is installed, so not a package
import { findServerOrSkip } from '../../test-servers/find.server.mjs';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const FILE = join(ROOT, 'docker-compose.yml');
const RUN_MS = 120_000;
const API_KEYS = 'owner:0123456789abcdef';

const ACTORS: readonly string[] = SCALED_SERVICES;
const OURS: readonly string[] = SERVICE_PROGRAMS;
const ALWAYS = ['nats', ...OURS];

/** Variables of the file that no service reads. */
const FILE_VARIABLES: Readonly<Record<string, string>> = {
  CLIPMESH_TAG: 'latest',
  NATS_IMAGE: 'nats:2.12.3-alpine',
  JAEGER_IMAGE: 'jaegertracing/jaeger:2.11.0',
  MONGO_IMAGE: 'mongo:8.0',
  NATS_PORT: '4222',
  JAEGER_UI_PORT: '16686',
  CLIP_GENERATOR_REPLICAS: '1',
};
/** Variables of third-party images. */
const FOREIGN_ENVIRONMENT = new Set(['JAEGER_LISTEN_HOST']);
/** Settings whose value the file sets inside a container, with the services that get them; all others are passed through. */
const PLACED: Readonly<Record<string, Readonly<Record<string, string | number | null>>>> = {
  NATS_URL: Object.fromEntries(OURS.map((name) => [name, 'nats://nats:4222'])),
  DATA_DIR: Object.fromEntries(OURS.map((name) => [name, '/data'])),
  ARTIFACTS_DIR: Object.fromEntries(OURS.map((name) => [name, '/artifacts'])),
  TEMP_DIR: Object.fromEntries(OURS.map((name) => [name, '/tmp/clipmesh'])),
  OTEL_SERVICE_NAME: Object.fromEntries(['gateway', ...ACTORS].map((name) => [name, name])),
  GATEWAY_HOST: { gateway: '0.0.0.0' },
  GATEWAY_PORT: { gateway: 8080 },
  SANDBOX_HOST: { sandbox: 'sandbox' },
  SANDBOX_PORT: { sandbox: 9090 },
  OVERLAY_FONT_FILE: { overlay: null },
  HEALTH_PORT: Object.fromEntries(ACTORS.map((name) => [name, 8081])),
};
const serviceSchema = z.object({
  image: z.string(),
  restart: z.literal('unless-stopped'),
  stop_grace_period: z.string(),
  build: z
    .object({ dockerfile: z.string(), target: z.string(), args: z.record(z.string(), z.string()).optional() })
    .optional(),
  profiles: z.array(z.string()).optional(),
  entrypoint: z.array(z.string()).optional(),
  environment: z.record(z.string(), z.union([z.string(), z.number(), z.null()])).default({}),
  ports: z.array(z.string()).default([]),
  volumes: z.array(z.string()).default([]),
  healthcheck: z.object({ test: z.array(z.string()).min(2) }).optional(),
  'x-no-healthcheck': z.string().min(20).optional(),
  deploy: z.object({
    resources: z.object({ limits: z.object({ cpus: z.string(), memory: z.string() }) }),
  }),
});
const text = readFileSync(FILE, 'utf8');
const { services } = z
  .object({ services: z.record(z.string(), serviceSchema) })
  .parse(YAML.parse(text, { merge: true }));
const service = (name: string): z.infer<typeof serviceSchema> => {
  const found = services[name];
  if (found === undefined) throw new Error(`there is no service ${name}`);
  return found;
};

const settings = new Map<string, Setting>(
  Object.values<Setting>(SETTINGS).map((setting) => [setting.variable, setting]),
);
const SOURCE = {
  settings: [...settings.values()],
  sandboxed: sandboxVariablesByToken('http://sandbox:9090'),
  services: SERVICE_TABLE,
};
const questions = [...text.replace(/^\s*#.*$/gm, '').matchAll(/(?<!\$)\$\{([A-Z_]+)(:[-?])([^}]*)\}/g)].map(
  ([, variable = '', operator = '', word = '']) => ({ variable, operator, word }),
);

describe('the compose file', () => {
  it('runs the broker and every program of the list of services; the rest needs a profile', () => {
    expect(Object.keys(services).sort()).toEqual([...ALWAYS, 'jaeger', 'mongo'].sort());
    expect(ALWAYS.filter((name) => service(name).profiles !== undefined)).toEqual([]);
    for (const extra of ['jaeger', 'mongo']) expect(service(extra).profiles).toEqual([extra]);
  });

  it('has a health check for every service, or a reason for none', () => {
    for (const [name, { healthcheck, 'x-no-healthcheck': reason }] of Object.entries(services)) {
      expect({ name, either: (healthcheck === undefined) !== (reason === undefined) }).toEqual({ name, either: true });
    }
    expect(Object.keys(services).filter((name) => service(name).healthcheck !== undefined)).toEqual(
      expect.arrayContaining(['nats', ...OURS]),
    );
  });

  it('builds each service from a target of the Dockerfile', () => {
    const dockerfile = readFileSync(join(ROOT, 'deploy/Dockerfile'), 'utf8');
    const targets = [...dockerfile.matchAll(/^FROM \S+ AS (\S+)$/gm)].map(([, target]) => target);
    expect(readdirSync(join(ROOT, 'services')).sort()).toEqual([...OURS].sort());
    for (const name of OURS) {
      const { target, args } = service(name).build ?? {};
      expect(targets).toContain(target);
      expect(target).toBe(ACTORS.includes(name) ? 'actor' : name);
      expect(args?.['SERVICE'] ?? target).toBe(name);
    }
  });

  it('has the generated lines of docs:generate', () => {
    expect(fillCompose(text, SOURCE)).toBe(text);
  });

  it.each([
    ['a secret that names no services', { variable: 'ACME_TOKEN', secret: true }, /ACME_TOKEN is a secret/],
    [
      'a setting of a service without generated settings',
      { variable: 'ACME_TOKEN', secret: true, services: ['sandbox'] },
      /ACME_TOKEN is a setting of sandbox/,
    ],
  ])('cannot be generated with %s', (_name, setting, problem) => {
    expect(() => fillCompose(text, { ...SOURCE, settings: [...SOURCE.settings, setting] })).toThrow(problem);
  });

  it('gives the token of a new provider to the clip generator alone, and else the sandbox', () => {
    const acme = [
      { variable: 'ACME_TOKEN', secret: true, services: ['clip-generator'] },
      { variable: 'ACME_CALLS', secret: false },
    ];
    const sandboxed = { ...SOURCE.sandboxed, ACME_TOKEN: { ACME_TOKEN: 'sandbox', ACME_URL: 'http://sandbox/acme' } };
    const filled = fillCompose(text, { ...SOURCE, settings: [...SOURCE.settings, ...acme], sandboxed });
    const added = filled.split('\n').filter((line) => line.includes('ACME_'));
    expect(added.map((line) => line.trim())).toEqual([
      'ACME_CALLS:',
      'if [ -z "$${ACME_TOKEN:-}" ]; then export ACME_TOKEN=sandbox ACME_URL=http://sandbox/acme; fi',
      'ACME_TOKEN:',
    ]);
    const parsed = z
      .object({ services: z.record(z.string(), serviceSchema) })
      .parse(YAML.parse(filled, { merge: true })).services;
    expect(Object.keys(parsed).filter((name) => 'ACME_TOKEN' in parsed[name]!.environment)).toEqual(['clip-generator']);
  });

  it('passes every setting to the services that it is for, except those that it sets', () => {
    for (const name of OURS) {
      const { environment } = service(name);
      for (const [variable, { services: only }] of settings) {
        if (variable === 'API_KEYS') continue;
        const placed = PLACED[variable] ?? (only && Object.fromEntries(only.map((each) => [each, null])));
        const expected = placed === undefined ? null : placed[name];
        expect({ name, variable, value: environment[variable] }).toEqual({ name, variable, value: expected });
      }
    }
    expect(Object.keys(services).filter((name) => 'API_KEYS' in service(name).environment)).toEqual(['gateway']);
  });

  it('sets no unused variable', () => {
    const set = Object.values(services).flatMap(({ environment }) => Object.keys(environment));
    expect(set.filter((variable) => !settings.has(variable) && !FOREIGN_ENVIRONMENT.has(variable))).toEqual([]);
  });

  it('uses only settings, with their defaults, and its own few variables', () => {
    expect(questions.length).toBeGreaterThan(10);
    for (const { variable, operator, word } of questions) {
      if (operator === ':?') {
        expect(variable).toBe('API_KEYS');
        expect(word).toContain('API_KEYS=owner:key');
        continue;
      }
      const expected = settings.get(variable)?.fallback ?? FILE_VARIABLES[variable];
      expect({ variable, word }).toEqual({ variable, word: expected });
    }
    expect(Object.keys(FILE_VARIABLES).filter((name) => !questions.some(({ variable }) => variable === name))).toEqual(
      [],
    );
  });

  it('publishes only configurable ports, and only the gateway beyond this machine', () => {
    const published = Object.entries(services).flatMap(([name, { ports }]) => ports.map((port) => ({ name, port })));
    for (const { name, port } of published) {
      expect(port).toMatch(name === 'gateway' ? /^\$\{[A-Z_]+:-\d+\}:\d+$/ : /^127\.0\.0\.1:\$\{[A-Z_]+:-\d+\}:\d+$/);
    }
    expect(published.map(({ name }) => name).sort()).toEqual(['gateway', 'jaeger', 'nats', 'sandbox']);
  });

  it('lets the services that handle files share one volume', () => {
    const sharing = OURS.filter((name) => service(name).volumes.includes('artifacts:/artifacts'));
    const withoutFiles = ['cost', 'planner', 'sandbox'];
    expect(sharing).toEqual(OURS.filter((name) => !withoutFiles.includes(name)));
  });

  it.each([
    { env: {}, said: 'sandbox http://sandbox:9090/v1 sandbox http://sandbox:9090/v1' },
    {
      env: { REPLICATE_BASE_URL: 'https://replicate.example/v1', OPENAI_BASE_URL: 'https://api.openai.com/v1' },
      said: 'sandbox http://sandbox:9090/v1 sandbox http://sandbox:9090/v1',
    },
    {
      env: { OPENAI_BASE_URL: 'http://ollama.example:11434/v1' },
      said: 'sandbox http://sandbox:9090/v1  http://ollama.example:11434/v1',
    },
    {
      env: { REPLICATE_API_TOKEN: 'r8', REPLICATE_BASE_URL: 'https://replicate.example/v1', OPENAI_API_KEY: '' },
      said: 'r8 https://replicate.example/v1 sandbox http://sandbox:9090/v1',
    },
    { env: { REPLICATE_API_TOKEN: 'r8', OPENAI_API_KEY: 'sk' }, said: 'r8  sk ' },
  ])('uses the sandbox for a provider without a token: $env', async ({ env, said }) => {
    for (const name of ['planner', 'clip-generator']) {
      const [command = '', ...args] = (service(name).entrypoint ?? []).map((part) => part.replaceAll('$$', '$'));
      const print = 'echo "$REPLICATE_API_TOKEN $REPLICATE_BASE_URL $OPENAI_API_KEY $OPENAI_BASE_URL"';
      const { stdout } = await execa(command, [...args, '/bin/sh', '-c', print], {
        env,
        extendEnv: false,
        timeout: RUN_MS,
        stripFinalNewline: true,
      });
      expect(stdout).toBe(said);
    }
  });

  it.each([
    { env: {}, said: 'sandbox http://sandbox:9090/fal' },
    { env: { FAL_BASE_URL: 'https://fal.example' }, said: 'sandbox http://sandbox:9090/fal' },
    { env: { FAL_KEY: 'a:b', FAL_BASE_URL: 'https://fal.example' }, said: 'a:b https://fal.example' },
  ])('uses the sandbox for fal without a key: $env', async ({ env, said }) => {
    const [command = '', ...args] = (service('clip-generator').entrypoint ?? []).map((part) =>
      part.replaceAll('$$', '$'),
    );
    const { stdout } = await execa(command, [...args, '/bin/sh', '-c', 'echo "$FAL_KEY $FAL_BASE_URL"'], {
      env,
      extendEnv: false,
      timeout: RUN_MS,
      stripFinalNewline: true,
    });
    expect(stdout).toBe(said);
  });
});

const compose = await findServerOrSkip('docker-compose');
(compose === undefined ? describe.skip : describe)('the compose file in docker-compose', () => {
  const config = async (env: Readonly<Record<string, string>>, ...options: string[]) => {
    if (compose === undefined || 'url' in compose) throw new Error('docker-compose is a program, not a URL');
    const args = [...compose.args, '--env-file', '/dev/null', '-f', FILE, ...options, 'config', '--format', 'json'];
    const home = { HOME: process.env['HOME'] ?? tmpdir(), PATH: process.env['PATH'] ?? '' };
    return execa(compose.command, args, {
      env: { ...home, ...env },
      extendEnv: false,
      reject: false,
      timeout: RUN_MS,
    });
  };
  const readSchema = z.object({
    services: z.record(
      z.string(),
      z.object({
        stop_grace_period: z.string(),
        healthcheck: z.object({ test: z.array(z.string()).min(2) }).optional(),
        environment: z.record(z.string(), z.string().nullable()).nullish(),
        depends_on: z.record(z.string(), z.object({ condition: z.string() })).nullish(),
        deploy: z.object({ replicas: z.number().optional() }),
        ports: z
          .array(z.object({ target: z.number(), published: z.string(), host_ip: z.string().optional() }))
          .optional(),
      }),
    ),
  });
  const read = async (env: Readonly<Record<string, string>>, ...options: string[]) => {
    const { stdout, stderr, exitCode } = await config({ API_KEYS, ...env }, ...options);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    return readSchema.parse(JSON.parse(stdout)).services;
  };
  const seconds = (duration: string): number =>
    [...duration.matchAll(/(\d+)([hms])/g)].reduce(
      (sum, [, count, unit]) => sum + Number(count) * { h: 3600, m: 60, s: 1 }[unit as 'h' | 'm' | 's'],
      0,
    );

  it('is valid, and starts nothing before the broker is healthy', async () => {
    const all = await read({});
    expect(Object.keys(all).sort()).toEqual([...ALWAYS].sort());
    for (const name of ['gateway', ...ACTORS]) {
      expect({ name, nats: all[name]?.depends_on?.['nats'] }).toMatchObject({ nats: { condition: 'service_healthy' } });
    }
    for (const extra of ['jaeger', 'mongo']) expect(Object.keys(await read({}, '--profile', extra))).toContain(extra);
  });

  it('probes every Clipmesh service with a request on the port that it listens on', async () => {
    const all = await read({});
    for (const name of OURS) {
      const [how, program, flag, code = ''] = all[name]?.healthcheck?.test ?? [];
      expect({ name, how, program, flag }).toEqual({ name, how: 'CMD', program: 'node', flag: '-e' });
      // docker-compose escapes a dollar as two.
      const script = code.replaceAll('$$', '$');
      const server = createServer((request, response) => {
        response.writeHead(request.url === '/healthz' ? 200 : 404).end();
      }).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      const probe = async (at: number): Promise<unknown> => {
        const own = script
          .replace('127.0.0.1:8080', `127.0.0.1:${at}`)
          .replace('sandbox:9090/sandbox/invoice', `127.0.0.1:${at}/healthz`);
        const { exitCode } = await execa('node', ['-e', own], {
          env: { HEALTH_PORT: String(at) },
          reject: false,
          timeout: RUN_MS,
        });
        return exitCode;
      };
      expect({ name, healthy: await probe(port) }).toEqual({ name, healthy: 0 });
      server.close();
      await once(server, 'close');
      expect({ name, gone: await probe(port) }).toEqual({ name, gone: 1 });
    }
    for (const name of ACTORS) expect(all[name]?.environment).toMatchObject({ HEALTH_PORT: '8081' });
  });

  it('refuses to start without keys, and says what to set', async () => {
    const { exitCode, stderr } = await config({});
    expect(exitCode).not.toBe(0);
    expect(stderr).toContain('API_KEYS=owner:key');
  });

  it('gives every service more than its drain time', async () => {
    for (const drain of [undefined, '45', '600']) {
      const all = await read(drain === undefined ? {} : { DRAIN_SECONDS: drain });
      for (const name of ['gateway', ...ACTORS]) {
        expect(seconds(all[name]?.stop_grace_period ?? '')).toBeGreaterThanOrEqual(Number(drain ?? '20') + 5);
      }
    }
  });

  it('accepts a copy of .env.example with keys and changed values', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'clipmesh-compose-'));
    try {
      const file = join(dir, '.env');
      const example = readFileSync(join(ROOT, '.env.example'), 'utf8').replace(
        'GATEWAY_PORT=8080',
        'GATEWAY_PORT=8181',
      );
      writeFileSync(file, `${example}\nCLIP_CONCURRENCY=9\nCLIP_GENERATOR_REPLICAS=3\n`);
      const all = await read({}, '--env-file', file);
      expect(all['gateway']?.ports).toMatchObject([{ target: 8080, published: '8181' }]);
      expect(all['clip-generator']?.environment).toMatchObject({ CLIP_CONCURRENCY: '9', NATS_URL: 'nats://nats:4222' });
      expect(all['clip-generator']?.deploy.replicas).toBe(3);
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});

const nats = await findServerOrSkip('nats-server');
(nats === undefined ? describe.skip : describe)('the broker configuration', () => {
  it('is accepted by the server version of the compose file', async () => {
    if (nats === undefined || 'url' in nats) throw new Error('nats-server is a program, not a URL');
    const dir = mkdtempSync(join(tmpdir(), 'clipmesh-nats-'));
    try {
      const file = join(dir, 'nats.conf');
      const original = readFileSync(join(ROOT, 'deploy/nats.conf'), 'utf8');
      writeFileSync(file, original.replace('store_dir: /data', `store_dir: "${dir}"`));
      const { exitCode, stderr } = await execa(nats.command, [...nats.args, '-t', '-c', file], {
        reject: false,
        timeout: RUN_MS,
      });
      expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
      expect(original).toMatch(/^ {2}sync_interval: always$/m);
      expect(original).toMatch(/^http: 127\.0\.0\.1:8222$/m);
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});
