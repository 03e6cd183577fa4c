import { type Log } from '@clipmesh/tracing';
import { type NatsConnection } from '@nats-io/transport-node';
import { adviceFor } from './broker.refusal.js';

/** Errors per log line: a broker that rejects a service does so on every reconnect. */
const EVERY = 20;

/**
 * Logs disconnects, reconnects and rejections until the connection closes. Calls `onLost` if it closes with an error: the
 * service then receives no more messages.
 */
export async function watchConnection(
  connection: Pick<NatsConnection, 'status' | 'closed'>,
  log: Log,
  onLost: (error: Error) => void,
): Promise<void> {
  void connection.closed().then((error) => {
    if (error instanceof Error) onLost(error);
  });
  let errors = 0;
  for await (const status of connection.status()) {
    if (status.type === 'disconnect')
      log.warn({ server: status.server }, 'lost the connection to the broker; reconnecting');
    if (status.type === 'reconnect') {
      errors = 0;
      log.info({ server: status.server }, 'reconnected to the broker');
    }
    if (status.type === 'error') {
      if (errors % EVERY === 0)
        log.error(
          { err: status.error },
          `the broker rejects the connection: ${adviceFor(status.error) ?? status.error.message}`,
        );
      errors += 1;
    }
  }
}
