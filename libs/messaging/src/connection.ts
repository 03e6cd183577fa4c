import { connect, type NatsConnection } from '@nats-io/transport-node';

export interface BrokerOptions {
  readonly url: string;
  /** Shown in the broker's list of connections. */
  readonly name: string;
  /** How long to wait for the broker at start, ms. Once connected, reconnection goes on for ever. */
  readonly graceMs?: number;
}

const RETRY_MS = 250;
const DEFAULT_GRACE_MS = 30_000;

/** With `tls:` no word, least of all the password, goes out in clear: a server without TLS is refused. */
export const encryptionOf = ({ protocol }: URL): { tls?: object } => (protocol === 'tls:' ? { tls: {} } : {});

/** Connects, waiting at most `graceMs` for the broker. Throws one sentence that names the address (without credentials). */
export async function connectBroker({ url, name, graceMs = DEFAULT_GRACE_MS }: BrokerOptions): Promise<NatsConnection> {
  const deadline = performance.now() + graceMs;
  const address = new URL(url);
  const authorization =
    address.username === ''
      ? {}
      : { user: decodeURIComponent(address.username), pass: decodeURIComponent(address.password) };
  for (;;) {
    try {
      return await connect({
        servers: address.host,
        name,
        maxReconnectAttempts: -1,
        reconnectTimeWait: RETRY_MS,
        reconnectJitter: RETRY_MS,
        ...authorization,
        ...encryptionOf(address),
      });
    } catch (cause) {
      if (performance.now() + RETRY_MS > deadline) {
        throw new Error(
          `the broker at ${address.host} does not answer; start nats-server -js, or set NATS_URL (waited ${Math.round(graceMs / 1000)} s)`,
          { cause },
        );
      }
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}
