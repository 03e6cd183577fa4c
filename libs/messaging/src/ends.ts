import { GenerationCanceled, GenerationFailed, GenerationSucceeded } from '@clipmesh/contracts';
import { type Msg, type NatsConnection } from '@nats-io/transport-node';

export type EndStatus = 'succeeded' | 'failed' | 'canceled';
const STATUSES: Readonly<Record<string, EndStatus>> = {
  [GenerationSucceeded.name]: 'succeeded',
  [GenerationFailed.name]: 'failed',
  [GenerationCanceled.name]: 'canceled',
};
/** An end that is announced twice is announced twice within a redelivery or two. */
const MAX_REMEMBERED = 1000;

/**
 * Tells of every generation that ends from now on, each run once; returns how to stop listening. Heard as it is announced
 * and kept nowhere: what ends while the connection is away is missed.
 */
export function onGenerationEnd(connection: NatsConnection, tell: (status: EndStatus) => void): () => void {
  const seen = new Set<string>();
  const hear = (message: Msg): void => {
    const status = STATUSES[message.subject.split('.').slice(2).join('.')];
    const id = message.headers?.get('Nats-Msg-Id') ?? '';
    if (status === undefined || seen.has(id)) return;
    if (id !== '') seen.add(id);
    const [oldest] = seen;
    if (seen.size > MAX_REMEMBERED && oldest !== undefined) seen.delete(oldest);
    tell(status);
  };
  const subscription = connection.subscribe('events.*.generation.*', {
    callback: (error, message) => {
      if (error === null) hear(message);
    },
  });
  return () => {
    subscription.unsubscribe();
  };
}
