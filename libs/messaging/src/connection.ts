import { connect, type NatsConnection } from '@nats-io/transport-node';
import { type BrokerAccess, connectionOptions, hostsOf, isEncrypted } from './broker.access.js';
import { adviceFor, BrokerRefusal, isTransient } from './broker.refusal.js';
import { type Clock, systemClock } from './clock.js';
import { reconnectDelayMs } from './reconnect.delays.js';

export interface BrokerOptions extends BrokerAccess {
  /** Shown in the broker's list of connections. */
  readonly name: string;
  /** How long to wait for a broker that does not answer at start, ms. Default: 30000. Once connected, reconnection goes on for ever. */
  readonly graceMs?: number;
  /** For the waits between the tries. Default: the system's. */
  readonly clock?: Clock;
}

const DEFAULT_GRACE_MS = 30_000;

/**
 * Connects, waiting at most `graceMs` for a broker that does not answer. Throws {@link BrokerRefusal} at once when the
 * broker refuses the connection, and an `Error` when the time is over. Each message is one sentence that names the
 * addresses and has no credentials.
 */
export async function connectBroker(options: BrokerOptions): Promise<NatsConnection> {
  const { name, graceMs = DEFAULT_GRACE_MS, clock = systemClock } = options;
  const hosts = hostsOf(options);
  const deadline = clock.now() + graceMs;
  for (let failures = 1; ; failures += 1) {
    try {
      return await connect(connectionOptions(options, name));
    } catch (cause) {
      const advice = adviceFor(cause);
      if (advice !== undefined) throw refusal(hosts, advice, cause);
      const pauseMs = reconnectDelayMs(failures, options, Math.random());
      if (clock.now() + pauseMs > deadline) {
        const certificate = isEncrypted(options)
          ? '; a broker that asks for a client certificate is silent without NATS_TLS_CERT_FILE'
          : '';
        throw new Error(
          `the broker at ${hosts} does not answer; start nats-server -js, or set NATS_URL (waited ${Math.round(graceMs / 1000)} s)${certificate}`,
          { cause },
        );
      }
      await clock.sleep(pauseMs);
    }
  }
}

const refusal = (hosts: string, advice: string, cause: unknown): BrokerRefusal =>
  new BrokerRefusal(`the broker at ${hosts} cannot be used: ${advice}`, { cause });

/**
 * Runs what a service needs from the broker at start. Repeats it for at most `graceMs` while its error may pass by itself,
 * so `work` must be safe to repeat. Throws {@link BrokerRefusal} when the user may not have it, or the broker has no
 * JetStream after that time either.
 */
export async function retryTransient<T>(
  access: BrokerAccess,
  work: () => Promise<T>,
  { graceMs = DEFAULT_GRACE_MS, clock = systemClock }: Pick<BrokerOptions, 'graceMs' | 'clock'> = {},
): Promise<T> {
  const deadline = clock.now() + graceMs;
  for (let failures = 1; ; failures += 1) {
    try {
      return await work();
    } catch (error) {
      const pauseMs = reconnectDelayMs(failures, access, Math.random());
      if (!isTransient(error) || clock.now() + pauseMs > deadline) {
        const advice = adviceFor(error);
        throw advice === undefined ? error : refusal(hostsOf(access), advice, error);
      }
      await clock.sleep(pauseMs);
    }
  }
}
