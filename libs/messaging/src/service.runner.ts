import { setTimeout as delay } from 'node:timers/promises';
import { type ServiceName, type InboxName } from '@clipmesh/contracts';
import { type Config, loadConfig } from '@clipmesh/config';
import { attachSpanSink, createLogger, flushSpans, nestLogger, replicaId, shutdownTracing } from '@clipmesh/tracing';
import { jetstream } from '@nats-io/jetstream';
import { type NatsConnection } from '@nats-io/transport-node';
import { type DynamicModule, type INestMicroservice } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type Cancellations, openCancellations } from './cancellations.js';
import { accessOf } from './broker.access.js';
import { retryTransient, connectBroker } from './connection.js';
import { watchConnection } from './connection.watch.js';
import { openRetryCounter } from './faults.js';
import { type HealthServer, openHealth } from './health.server.js';
import { type InboxSettings, JetStreamStrategy } from './jetstream.strategy.js';
import { provision, type ProvisionOptions } from './provisioning.js';
import { createPublisher, type Publish } from './publisher.js';

/** What every service has before its own parts are made. */
export interface ServiceRuntime {
  readonly config: Config;
  readonly logger: ReturnType<typeof createLogger>;
  readonly connection: NatsConnection;
  readonly publish: Publish;
  readonly cancellations: Cancellations;
  /** `service.instance.id`: which replica this is. */
  readonly workerId: string;
}

/**
 * Drain time of an inbox whose work goes on elsewhere, as a prediction does at its provider: nothing is won by waiting for
 * it, the next replica takes it up where it is. Long enough for a handler that is about to return, ms.
 */
export const SHORT_DRAIN_MS = 1000;

const provisioningOf = (config: Config): ProvisionOptions => ({
  replicas: config.natsReplicas,
  ackWaitMs: config.ackWaitMs,
  eventsMaxBytes: config.eventsMaxBytes,
});

/** Default: what the process's environment says. */
export interface RuntimeOptions {
  readonly config?: Config;
  readonly workerId?: string;
  readonly logger?: ServiceRuntime['logger'];
  /** Receives the error when the connection to the broker is given up. Default: the process logs it and ends with 1. */
  readonly onLost?: (error: Error) => void;
}

/**
 * Settings, log, broker, streams and the span sink: the same for every service. Rejects with one sentence, and leaves
 * nothing open then.
 */
export async function openRuntime(service: ServiceName, options: RuntimeOptions = {}): Promise<ServiceRuntime> {
  const config = options.config ?? loadConfig();
  const workerId = options.workerId ?? config.otelServiceInstanceId ?? replicaId(service);
  const logger = options.logger ?? createLogger({ service, level: config.logLevel });
  const access = accessOf(config);
  const connection = await connectBroker({ ...access, name: workerId, graceMs: config.natsGraceMs });
  const lost =
    options.onLost ??
    ((error: Error): void => {
      logger.fatal({ err: error }, 'the connection to the broker is lost for good; ending');
      process.exit(1);
    });
  void watchConnection(connection, logger, lost);
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

/** A broker that does not answer any more keeps nobody who wants to stop, ms. */
const DRAIN_MS = 3000;

/** Ends a runtime: spans out, subscriptions drained, connection closed; also where the broker is away or silent. */
export async function closeRuntime(runtime: ServiceRuntime): Promise<void> {
  await flushSpans();
  await shutdownTracing();
  runtime.cancellations.close();
  const { connection, logger } = runtime;
  const drained = connection.drain().catch((error: unknown) => {
    logger.warn({ err: error }, 'the broker is away: what was running is delivered again by itself');
  });
  await Promise.race([drained, delay(DRAIN_MS, undefined, { ref: false })]);
  await connection.close();
}

/** Runs `stop` once, on the first SIGTERM or SIGINT, then ends the process with 0 (1 when stopping failed). */
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
  /** Builds the Nest module around the runtime: its controllers are the actors. */
  readonly module: (runtime: ServiceRuntime) => Promise<DynamicModule>;
  readonly settings: (config: Config) => Partial<Record<InboxName, InboxSettings>>;
}

/** The settings, with patience for a store that is away: it is nobody's fault who waits for it. */
function patient(settings: ReturnType<ActorService['settings']>, storePatienceMs: number): typeof settings {
  const entries = Object.entries(settings).map(([inbox, { retry, ...own }]) => [
    inbox,
    { ...own, retry: { ...retry, patienceMs: { ...retry.patienceMs, STORE_UNAVAILABLE: storePatienceMs } } },
  ]);
  return Object.fromEntries(entries) as typeof settings;
}

/** One replica of an actor service. */
export interface Replica {
  readonly runtime: ServiceRuntime;
  /** Hands back or finishes what runs, and closes everything. */
  readonly stop: () => Promise<void>;
}

/** The door to a service's inboxes, for Nest. */
export async function openInboxes(
  runtime: ServiceRuntime,
  settings: ReturnType<ActorService['settings']>,
): Promise<JetStreamStrategy> {
  const { config, connection, ...parts } = runtime;
  return new JetStreamStrategy({
    ...parts,
    connection,
    retries: await openRetryCounter(connection, config.natsReplicas),
    provisioning: provisioningOf(config),
    settings: patient(settings, config.storePatienceMs),
  });
}

/** Starts a replica in this process; it takes messages from then on. A start that fails leaves nothing open. */
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

/** Starts an actor service and keeps it until a signal. A failed start is one clear line and exit code 1. */
export async function runActorService(actors: ActorService): Promise<void> {
  try {
    const { runtime, stop } = await startReplica(actors);
    stopOnSignal(runtime, stop);
    runtime.logger.info({ workerId: runtime.workerId }, 'ready');
  } catch (error) {
    process.stderr.write(
      `${actors.service} could not start: ${error instanceof Error ? error.message : String(error)}\n`,
    );
    process.exit(1);
  }
}
