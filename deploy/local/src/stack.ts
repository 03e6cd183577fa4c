import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Scale, type ServiceName, SERVICES } from './arguments.js';
import { type Jaeger } from './jaeger.js';
import { claimFolder } from './folder.lock.js';
import { makeRunFolder } from './make.folder.js';
import { freePorts, isFree } from './ports.js';
import { type ProcessSpec, Supervisor } from './supervisor.js';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const BROKER_MS = 15_000;
const SERVICE_MS = 60_000;
/** After its drain time a service hands work back and sends its last spans; then it is killed, ms. */
const AFTER_DRAIN_MS = 10_000;

export interface StackOptions {
  readonly dataDir: string;
  /** Undefined: any free one. */
  readonly port: number | undefined;
  readonly scale: Scale;
  /** Started before the services, which then send their traces there. */
  readonly jaeger?: Jaeger;
  readonly env: NodeJS.ProcessEnv;
  readonly report: (line: string) => void;
  /** How long a service may finish running work when it is stopped, ms. */
  readonly drainMs: number;
  /** How long a service may take to stop once this process was killed, ms. */
  readonly orphanStopMs: number;
  /** Aborted: the start is given up and everything that runs already is stopped. */
  readonly stop: AbortSignal;
  /** Aborted: whatever runs is killed, work or no work. */
  readonly kill: AbortSignal;
}
export interface StackUrls {
  readonly gateway: string;
  /** The stand-in for the providers; it runs also when a real token is set, for whichever of the two has none. */
  readonly sandbox: string;
  readonly nats: string;
  /** Where Jaeger shows and answers, when there is one. */
  readonly jaeger?: string;
}
export interface Stack {
  readonly urls: StackUrls;
  /** Leaves no process behind. */
  readonly stop: () => Promise<void>;
}

const NOT_PASSED_ON = [
  'NATS_CREDS_FILE',
  'NATS_NKEY_SEED_FILE',
  'NATS_TLS_CA_FILE',
  'NATS_TLS_CERT_FILE',
  'NATS_TLS_KEY_FILE',
  'HEALTH_PORT',
] as const;

/** What every service gets. A provider without a token of its own is the sandbox: nothing else differs. */
export function serviceEnvironment(
  env: NodeJS.ProcessEnv,
  dataDir: string,
  ports: { readonly gateway: number; readonly sandbox: number; readonly nats: number },
): NodeJS.ProcessEnv {
  const sandbox = `http://127.0.0.1:${ports.sandbox}/v1`;
  return {
    ...env,
    DATA_DIR: dataDir,
    NATS_URL: `nats://127.0.0.1:${ports.nats}`,
    // Files for another broker, and one port for all services: not for this stack.
    ...Object.fromEntries(NOT_PASSED_ON.map((variable) => [variable, ''])),
    GATEWAY_HOST: '127.0.0.1',
    GATEWAY_PORT: String(ports.gateway),
    SANDBOX_HOST: '127.0.0.1',
    SANDBOX_PORT: String(ports.sandbox),
    ...(env['REPLICATE_API_TOKEN'] ? {} : { REPLICATE_BASE_URL: sandbox, REPLICATE_API_TOKEN: 'sandbox' }),
    ...(env['OPENAI_API_KEY'] ? {} : { OPENAI_BASE_URL: sandbox, OPENAI_API_KEY: 'sandbox' }),
  };
}

function nodeProcess(service: ServiceName | 'sandbox', instance: number, env: NodeJS.ProcessEnv): ProcessSpec {
  const sandbox = service === 'sandbox';
  return {
    service,
    instance,
    command: process.execPath,
    args: [`dist/services/${service}.js`],
    cwd: ROOT,
    env: { ...env, OTEL_SERVICE_NAME: service, OTEL_SERVICE_INSTANCE_ID: `${service}.${instance}` },
    ready: sandbox ? '"msg":"listening"' : '"msg":"ready"',
    // Whatever is canceled while the stack stops still reaches the sandbox.
    ...(sandbox ? { last: true } : {}),
  };
}

/** Broker, sandbox, then all services side by side. Rejects with one sentence, and with nothing left running. */
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
