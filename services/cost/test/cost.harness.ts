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
import { type Broker } from '@clipmesh/testing';
import { createLogger, nestLogger } from '@clipmesh/tracing';
import { NestFactory } from '@nestjs/core';
import { costModule } from '../src/cost.module.js';

/** Nothing in these suites may take longer than this, ms. */
export const DEADLINE_MS = 15_000;

export interface Replica {
  readonly runtime: ServiceRuntime;
  stop(): Promise<void>;
}

/** One replica of the cost service, as `main.ts` starts it; `lines` gets its log. */
export async function startCost(broker: Broker, workerId: string, lines: string[] = []): Promise<Replica> {
  const config = loadConfig({ NATS_URL: broker.url });
  const connection = await connectBroker({ url: broker.url, name: workerId, graceMs: DEADLINE_MS });
  await provision(connection);
  const cancellations = await openCancellations(connection);
  const disconnect = async (): Promise<void> => {
    cancellations.close();
    await connection.close();
  };
  try {
    const logger = createLogger({ service: 'cost', level: 'info' }, { write: (line) => void lines.push(line) });
    const publish = createPublisher(connection);
    const runtime: ServiceRuntime = { config, logger, connection, publish, cancellations, workerId };
    const strategy = new JetStreamStrategy({
      connection,
      publish,
      cancellations,
      faults: await openFaults(connection),
      provisioning: {},
      workerId,
      logger,
      settings: {
        cost: {
          concurrency: config.costConcurrency,
          retry: { attempts: 20, firstDelayMs: 10, maxDelayMs: 100 },
          handlerTimeoutMs: DEADLINE_MS,
          heartbeatMs: 1000,
          drainMs: 5000,
        },
      },
    });
    const app = await NestFactory.createMicroservice(await costModule(runtime), {
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
