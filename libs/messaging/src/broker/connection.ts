import { connect, type NatsConnection } from '@nats-io/transport-node';
import { type BrokerAccess, connectionOptions, hostsOf, isEncrypted } from './broker.access.js';
import { adviceFor, BrokerRefusal, isTransient } from './broker.refusal.js';
import { type Clock, systemClock } from '../timing/clock.js';
import { reconnectDelayMs } from './reconnect.delays.js';

export interface BrokerOptions extends BrokerAccess {
  /** Name of the connection at the broker. */
  readonly name: string;
  /** Time to wait for an unreachable broker at start, ms. Once connected, the client reconnects without limit. Default: 30000. */
  readonly graceMs?: number;
  /** Default: the system clock. */
  readonly clock?: Clock;
}

const DEFAULT_GRACE_MS = 30_000;

/**
 * Connects, and retries for at most `graceMs` while the broker is unreachable. Throws {@link BrokerRefusal} at once if the
 * broker rejects the connection, and an `Error` after `graceMs`. Messages name the addresses and contain no credentials.
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
          ? '; a broker that requires a client certificate does not answer without NATS_TLS_CERT_FILE'
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
 * Runs `work` against the broker at start, and retries it for at most `graceMs` on transient errors, so `work` must be
 * idempotent. Throws {@link BrokerRefusal} if the user lacks a permission or the broker has no JetStream.
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
