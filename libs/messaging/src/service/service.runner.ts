import { messageOf, type ServiceName, type InboxName, withTimeout } from '@clipmesh/contracts';
import { type Config, loadConfig, SECRET_NAMES } from '@clipmesh/config';
import { attachSpanSink, createLogger, flushSpans, nestLogger, replicaId, shutdownTracing } from '@clipmesh/tracing';
import { jetstream } from '@nats-io/jetstream';
import { type NatsConnection } from '@nats-io/transport-node';
import { type DynamicModule, type INestMicroservice } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type Cancellations, openCancellations } from '../signals/cancellations.js';
import { accessOf } from '../broker/broker.access.js';
import { retryTransient, connectBroker } from '../broker/connection.js';
import { watchConnection } from '../broker/connection.watch.js';
import { openRetryCounter } from '../inbox/retry.counter.js';
import { type HealthServer, openHealth } from './health.server.js';
import { type InboxSettings } from '../inbox/inbox.settings.js';
import { JetStreamStrategy } from '../inbox/jetstream.strategy.js';
import { provision, type ProvisionOptions } from '../broker/provisioning.js';
import { createPublisher, type Publish } from '../broker/publisher.js';

/** Shared dependencies of every service. */
export interface ServiceRuntime {
  readonly config: Config;
  readonly logger: ReturnType<typeof createLogger>;
  readonly connection: NatsConnection;
  readonly publish: Publish;
  readonly cancellations: Cancellations;
  /** Id of the replica, as in `service.instance.id`. */
  readonly workerId: string;
}

/**
 * Drain time of an inbox whose work continues elsewhere, such as a prediction at its provider, ms. Waiting is useless, because
 * the next replica resumes the work. Long enough for a handler that is about to return.
 */
export const SHORT_DRAIN_MS = 1000;

const provisioningOf = (config: Config): ProvisionOptions => ({
  replicas: config.natsReplicas,
  ackWaitMs: config.ackWaitMs,
  eventsMaxBytes: config.eventsMaxBytes,
});

/** Defaults come from the environment of the process. */
export interface RuntimeOptions {
  readonly config?: Config;
  readonly workerId?: string;
  readonly logger?: ServiceRuntime['logger'];
  /** Receives the error if the connection to the broker is closed. Default: logs it and exits with code 1. */
  readonly onLost?: (error: Error) => void;
}

/**
 * Opens settings, log, broker connection, streams and span sink. Rejects with a one-sentence message and leaves nothing open.
 */
export async function openRuntime(service: ServiceName, options: RuntimeOptions = {}): Promise<ServiceRuntime> {
  const config = options.config ?? loadConfig();
  const workerId = options.workerId ?? config.otelServiceInstanceId ?? replicaId(service);
  const logger = options.logger ?? createLogger({ service, level: config.logLevel, secrets: SECRET_NAMES });
  const access = accessOf(config);
  const connection = await connectBroker({ ...access, name: workerId, graceMs: config.natsGraceMs });
  const onLost =
    options.onLost ??
    ((error: Error): void => {
      logger.fatal({ err: error }, 'the connection to the broker is closed; exiting');
      process.exit(1);
    });
  void watchConnection(connection, logger, onLost);
  try {
    const setUp = async (): Promise<Cancellations> => {
      await provision(connection, provisioningOf(config));
      return openCancellations(connection, { replicas: config.natsReplicas, logger });
    };
    const cancellations = await retryTransient(access, setUp, { graceMs: config.natsGraceMs });
    if (config.traceStream) {
      const js = jetstream(connection);
      attachSpanSink(async (traceId, document) => {
        await js.publish(`traces.${traceId}`, document);
      });
    }
    return { config, logger, connection, publish: createPublisher(connection), cancellations, workerId };
  } catch (error) {
    await connection.close();
    throw error;
  }
}

/** Timeout of draining the connection: an unresponsive broker must not block the stop, ms. */
const DRAIN_MS = 3000;

/** Closes a runtime: flushes spans, drains subscriptions, closes the connection. Works with an unreachable broker too. */
export async function closeRuntime(runtime: ServiceRuntime): Promise<void> {
  await flushSpans();
  await shutdownTracing();
  runtime.cancellations.close();
  const { connection, logger } = runtime;
  await withTimeout(DRAIN_MS, () => connection.drain()).catch((error: unknown) => {
    logger.warn({ err: error }, 'could not drain the broker connection; running messages will be redelivered');
  });
  await connection.close();
}

/** Runs `stop` on the first SIGTERM or SIGINT, then exits with code 0, or 1 if it fails. */
export function stopOnSignal(runtime: Pick<ServiceRuntime, 'logger'>, stop: () => Promise<void>): void {
  let stopping = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (stopping) return;
      stopping = true;
      runtime.logger.info({ signal }, 'stopping');
      stop().then(
        () => process.exit(0),
        (error: unknown) => {
          runtime.logger.error({ err: error }, 'stopping failed');
          process.exit(1);
        },
      );
    });
  }
}

export interface ActorService {
  readonly service: ServiceName;
  /** Builds the Nest module. Its controllers are the actors. */
  readonly module: (runtime: ServiceRuntime) => Promise<DynamicModule>;
  readonly settings: (config: Config) => Partial<Record<InboxName, ActorSettings>>;
}

type CommonSettings = Pick<InboxSettings, 'heartbeatMs' | 'drainMs'>;
/** The settings of one inbox. Defaults: a heartbeat every third of `ACK_WAIT_SECONDS`, and the drain time of the service. */
export type ActorSettings = Omit<InboxSettings, keyof CommonSettings> & Partial<CommonSettings>;

/** Adds the defaults, and patience for an unavailable store: such failures do not use a try. */
function inboxSettingsOf(
  settings: ReturnType<ActorService['settings']>,
  { ackWaitMs, drainMs, storePatienceMs }: Config,
): Partial<Record<InboxName, InboxSettings>> {
  const entries = Object.entries(settings).map(([inbox, { retry, ...own }]): [string, InboxSettings] => [
    inbox,
    {
      heartbeatMs: ackWaitMs / 3,
      drainMs,
      ...own,
      retry: { ...retry, patienceMs: { ...retry.patienceMs, STORE_UNAVAILABLE: storePatienceMs } },
    },
  ]);
  return Object.fromEntries(entries);
}

/** One replica of an actor service. */
export interface Replica {
  readonly runtime: ServiceRuntime;
  /** Finishes or naks running messages, and closes everything. */
  readonly stop: () => Promise<void>;
}

/** The Nest transport of the inboxes of a service. */
export async function openInboxes(
  runtime: ServiceRuntime,
  settings: ReturnType<ActorService['settings']>,
): Promise<JetStreamStrategy> {
  const { config, connection, ...deps } = runtime;
  return new JetStreamStrategy({
    ...deps,
    connection,
    retries: await openRetryCounter(connection, config.natsReplicas),
    provisioning: provisioningOf(config),
    settings: inboxSettingsOf(settings, config),
  });
}

/** Starts a replica in this process. A failed start leaves nothing open. */
export async function startReplica(
  { service, module, settings }: ActorService,
  options: RuntimeOptions = {},
): Promise<Replica> {
  const runtime = await openRuntime(service, options);
  const { logger, config, connection } = runtime;
  let app: INestMicroservice | undefined;
  let health: HealthServer | undefined;
  const stop = async (): Promise<void> => {
    await health?.close();
    await app?.close();
    await closeRuntime(runtime);
  };
  try {
    const strategy = await openInboxes(runtime, settings(config));
    app = await NestFactory.createMicroservice(await module(runtime), {
      strategy,
      logger: nestLogger(logger),
      abortOnError: false,
    });
    await app.listen();
    if (config.healthPort > 0) {
      const { healthHost: host, healthPort: port, natsConnectTimeoutMs: timeoutMs } = config;
      health = await openHealth({ host, port, connection, timeoutMs });
    }
    return { runtime, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Runs an actor service until a signal. A failed start writes one line to stderr and exits with code 1. */
export async function runActorService(actors: ActorService): Promise<void> {
  try {
    const { runtime, stop } = await startReplica(actors);
    stopOnSignal(runtime, stop);
    runtime.logger.info({ workerId: runtime.workerId }, 'ready');
  } catch (error) {
    process.stderr.write(`${actors.service} could not start: ${messageOf(error)}\n`);
    process.exit(1);
  }
}
