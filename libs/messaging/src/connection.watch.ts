import { type NatsConnection } from '@nats-io/transport-node';
import { adviceFor } from './broker.refusal.js';

export interface WatchLog {
  info(fields: object, text: string): void;
  warn(fields: object, text: string): void;
  error(fields: object, text: string): void;
}

/** A broker that refuses a service does so at every try: the log says it once in so many times. */
const EVERY = 20;

/**
 * Logs when the broker is away, is back, or refuses the service, until the connection is closed. Calls `lost` when the
 * connection is given up, which nobody here has asked for: the service then receives nothing any more.
 */
export async function watchConnection(
  connection: Pick<NatsConnection, 'status' | 'closed'>,
  log: WatchLog,
  lost: (error: Error) => void,
): Promise<void> {
  void connection.closed().then((error) => {
    if (error instanceof Error) lost(error);
  });
  let errors = 0;
  for await (const status of connection.status()) {
    if (status.type === 'disconnect') log.warn({ server: status.server }, 'the broker is away; reconnecting');
    if (status.type === 'reconnect') {
      errors = 0;
      log.info({ server: status.server }, 'the broker is back');
    }
    if (status.type === 'error') {
      if (errors % EVERY === 0)
        log.error({ err: status.error }, `the broker refuses: ${adviceFor(status.error) ?? status.error.message}`);
      errors += 1;
    }
  }
}
