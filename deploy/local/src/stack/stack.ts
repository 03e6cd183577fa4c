import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hasLanguageModel, sandboxEnvironment } from '@clipmesh/config';
import { SERVICES, type ServiceProgram } from '@clipmesh/contracts';
import { type Scale } from '../arguments/up.arguments.js';
import { type Jaeger } from './jaeger.js';
import { claimFolder } from './folder.lock.js';
import { makeRunFolder } from './make.folder.js';
import { freePorts, isFree } from './ports.js';
import { type ProcessSpec, Supervisor } from './supervisor.js';

const ROOT = join(import.meta.dirname, '..', '..', '..', '..');
const BROKER_MS = 15_000;
const SERVICE_MS = 60_000;
/** After its drain time a service naks its work and sends its last spans; after this time it is killed, ms. */
const AFTER_DRAIN_MS = 10_000;

export interface StackOptions {
  readonly dataDir: string;
  /** Undefined: any free port. */
  readonly port: number | undefined;
  readonly scale: Scale;
  /** Started before the services, which then send their traces there. */
  readonly jaeger?: Jaeger;
  readonly env: NodeJS.ProcessEnv;
  readonly report: (line: string) => void;
  /** How long a stopped service may finish running work, ms. */
  readonly drainMs: number;
  /** How long a service may take to stop after this process was killed, ms. */
  readonly orphanStopMs: number;
  /** Aborted: the start ends, and everything that runs is stopped. */
  readonly stop: AbortSignal;
  /** Aborted: everything is killed, even with unfinished work. */
  readonly kill: AbortSignal;
}
export interface StackUrls {
  readonly gateway: string;
  /** The sandbox. It runs even when one real token is set, for the provider without a token. */
  readonly sandbox: string;
  readonly nats: string;
  /** UI and query API of Jaeger, when there is one. */
  readonly jaeger?: string;
}
export interface Stack {
  readonly urls: StackUrls;
  /** Stops the stack and leaves no process. */
  readonly stop: () => Promise<void>;
}

const NOT_FORWARDED = [
  'NATS_CREDS_FILE',
  'NATS_NKEY_SEED_FILE',
  'NATS_TLS_CA_FILE',
  'NATS_TLS_CERT_FILE',
  'NATS_TLS_KEY_FILE',
  'HEALTH_PORT',
] as const;

/** Environment of every service. A provider without a token is the sandbox: only its base URL differs. */
export function serviceEnvironment(
  env: NodeJS.ProcessEnv,
  dataDir: string,
  ports: { readonly gateway: number; readonly sandbox: number; readonly nats: number },
): NodeJS.ProcessEnv {
  const origin = `http://127.0.0.1:${ports.sandbox}`;
  return {
    ...env,
    DATA_DIR: dataDir,
    NATS_URL: `nats://127.0.0.1:${ports.nats}`,
    // Files for another broker, and one port for all services: not for this stack.
    ...Object.fromEntries(NOT_FORWARDED.map((variable) => [variable, ''])),
    GATEWAY_HOST: '127.0.0.1',
    GATEWAY_PORT: String(ports.gateway),
    SANDBOX_HOST: '127.0.0.1',
    SANDBOX_PORT: String(ports.sandbox),
    ...sandboxEnvironment(env, origin),
    ...(hasLanguageModel(env) ? {} : { OPENAI_BASE_URL: `${origin}/v1`, OPENAI_API_KEY: 'sandbox' }),
  };
}

function nodeProcess(service: ServiceProgram, instance: number, env: NodeJS.ProcessEnv): ProcessSpec {
  const sandbox = service === 'sandbox';
  return {
    service,
    instance,
    command: process.execPath,
    args: [`dist/services/${service}.js`],
    cwd: ROOT,
    env: { ...env, OTEL_SERVICE_NAME: service, OTEL_SERVICE_INSTANCE_ID: `${service}.${instance}` },
    ready: sandbox ? '"msg":"listening"' : '"msg":"ready"',
    // Cancels during the stop still reach the sandbox.
    ...(sandbox ? { last: true } : {}),
  };
}

/** Starts the broker, the sandbox, then all services in parallel. Rejects with one sentence, and leaves nothing running. */
export async function startStack(options: StackOptions): Promise<Stack> {
  const { dataDir, port, scale, jaeger, report } = options;
  const env = jaeger === undefined ? options.env : { ...options.env, OTEL_EXPORTER_OTLP_ENDPOINT: jaeger.otlp };
  options.stop.throwIfAborted();
  makeRunFolder(dataDir);
  const release = await claimFolder(dataDir);
  const supervisor = new Supervisor({
    dir: dataDir,
    report,
    stopMs: options.drainMs + AFTER_DRAIN_MS,
    orphanStopMs: options.orphanStopMs,
  });
  options.kill.addEventListener('abort', () => {
    supervisor.kill();
  });
  const stackFile = join(dataDir, 'run', 'stack.json');
  const stop = async (): Promise<void> => {
    rmSync(stackFile, { force: true });
    await supervisor.stop();
    release();
  };
  const aborted = new Promise<never>((_resolve, reject) => {
    options.stop.addEventListener('abort', () => {
      reject(options.stop.reason as Error);
    });
  });
  aborted.catch(() => undefined);
  const start = (spec: ProcessSpec, timeoutMs: number): Promise<void> =>
    Promise.race([supervisor.start(spec, timeoutMs), aborted]);
  try {
    if (port !== undefined && !(await isFree(port))) {
      throw new Error(`port ${port} is in use; choose another with --port`);
    }
    const [sandbox = 0, nats = 0, any = 0] = await freePorts(3);
    const ports = { gateway: port ?? any, sandbox, nats };
    const urls = {
      gateway: `http://127.0.0.1:${ports.gateway}`,
      sandbox: `http://127.0.0.1:${sandbox}`,
      nats: `nats://127.0.0.1:${nats}`,
      ...(jaeger === undefined ? {} : { jaeger: jaeger.url }),
    };
    const environment = serviceEnvironment(env, dataDir, ports);
    await start(
      {
        service: 'nats',
        instance: 1,
        command: 'nats-server',
        args: ['-js', '-sd', join(dataDir, 'nats'), '-a', '127.0.0.1', '-p', String(nats)],
        cwd: dataDir,
        env,
        ready: 'Server is ready',
        last: true,
      },
      BROKER_MS,
    );
    if (jaeger?.spec !== undefined) await start(jaeger.spec, SERVICE_MS);
    await start(nodeProcess('sandbox', 1, environment), SERVICE_MS);
    await Promise.all(
      SERVICES.flatMap((service) =>
        Array.from({ length: scale[service] }, (_, index) =>
          start(nodeProcess(service, index + 1, environment), SERVICE_MS),
        ),
      ),
    );
    writeFileSync(stackFile, `${JSON.stringify(urls, null, 2)}\n`);
    return { urls, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
