import { join } from 'node:path';
import { loadConfig } from '@clipmesh/config';
import {
  connectBroker,
  createPublisher,
  JetStreamStrategy,
  openCancellations,
  openFaults,
  provision,
  type ServiceRuntime,
} from '@clipmesh/messaging';
import { type Broker, type Sandbox } from '@clipmesh/testing';
import { createLogger, nestLogger } from '@clipmesh/tracing';
import { NestFactory } from '@nestjs/core';
import { clipGeneratorModule } from '../src/clip-generator.module.js';

/** Nothing in these suites may take longer than this, ms. */
export const DEADLINE_MS = 20_000;

export interface Replica {
  readonly runtime: ServiceRuntime;
  stop(): Promise<void>;
}

/** One replica of the clip generator, as `main.ts` starts it; replicas share the folder. */
export async function startClipGenerator(
  broker: Broker,
  sandbox: Sandbox,
  folder: string,
  workerId: string,
): Promise<Replica> {
  const config = loadConfig({
    NATS_URL: broker.url,
    DATA_DIR: folder,
    TEMP_DIR: join(folder, 'tmp', workerId),
    REPLICATE_API_TOKEN: 'any',
    REPLICATE_BASE_URL: `${sandbox.url}/v1`,
  });
  const connection = await connectBroker({ url: broker.url, name: workerId, graceMs: DEADLINE_MS });
  await provision(connection);
  const cancellations = await openCancellations(connection);
  const disconnect = async (): Promise<void> => {
    cancellations.close();
    await connection.close();
  };
  try {
    const logger = createLogger({ service: 'clip-generator', level: 'info' }, { write: () => undefined });
    const publish = createPublisher(connection);
    const runtime: ServiceRuntime = { config, logger, connection, publish, cancellations, workerId };
    const inbox = {
      // One at a time, so that two messages are in two replicas.
      concurrency: 1,
      retry: { attempts: 3, firstDelayMs: 10, maxDelayMs: 100 },
      handlerTimeoutMs: DEADLINE_MS,
      heartbeatMs: 1000,
      drainMs: 1000,
    };
    const strategy = new JetStreamStrategy({
      connection,
      publish,
      cancellations,
      faults: await openFaults(connection),
      provisioning: {},
      workerId,
      logger,
      settings: { 'clip-generator': inbox, canceler: inbox },
    });
    const app = await NestFactory.createMicroservice(await clipGeneratorModule(runtime), {
      strategy,
      logger: nestLogger(logger),
      abortOnError: false,
    });
    await app.listen();
    return {
      runtime,
      stop: async () => {
        await app.close();
        await disconnect();
      },
    };
  } catch (error) {
    await disconnect();
    throw error;
  }
}
