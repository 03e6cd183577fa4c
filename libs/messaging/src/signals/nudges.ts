import { ATTR, withSpan } from '@clipmesh/tracing';
import { headers, type Msg, type NatsConnection } from '@nats-io/transport-node';
import { context, propagation, SpanKind } from '@opentelemetry/api';
import { headerGetter, headerSetter } from '../broker/header.carrier.js';

/**
 * Hints that a prediction or a cache entry changed, over core NATS without storage. Delivery is not guaranteed: a lost nudge
 * only delays the listener until its next poll.
 */
export interface Nudges {
  /** Calls back for every nudge with this id, in the trace of its publisher. Returns a function that unsubscribes. */
  on(id: string, callback: () => void): () => void;
  close(): void;
}

/** What changed. */
export type NudgeTopic = 'prediction' | 'cache';
/** Valid ids are one token of a subject. */
const PREDICTION_ID = /^[A-Za-z0-9_-]{1,100}$/;

/** Notifies all listeners that an item changed. Default topic: prediction. Throws `RangeError` for an invalid id. */
export async function publishNudge(
  connection: NatsConnection,
  id: string,
  topic: NudgeTopic = 'prediction',
): Promise<void> {
  if (!PREDICTION_ID.test(id)) throw new RangeError(`invalid ${topic} id`);
  await withSpan(
    'clipmesh.messaging',
    'publish nudge',
    {
      'messaging.system': 'nats',
      'messaging.destination.name': `nudges.${topic}`,
      [topic === 'prediction' ? ATTR.predictionId : 'clipmesh.cache.key']: id,
    },
    () => {
      const carrier = headers();
      propagation.inject(context.active(), carrier, headerSetter);
      connection.publish(`nudges.${topic}.${id}`, '', { headers: carrier });
      return Promise.resolve();
    },
    SpanKind.PRODUCER,
  );
}

/** Subscribes to all nudges of a topic, once per process. Default topic: prediction. */
export function openNudges(connection: NatsConnection, topic: NudgeTopic = 'prediction'): Nudges {
  const prefix = `nudges.${topic}.`;
  const listeners = new Map<string, Set<() => void>>();
  const dispatch = (message: Msg): void => {
    const callbacks = listeners.get(message.subject.slice(prefix.length));
    if (callbacks === undefined) return;
    const parent = propagation.extract(context.active(), message.headers, headerGetter);
    context.with(parent, () => {
      for (const callback of [...callbacks]) callback();
    });
  };
  const subscription = connection.subscribe(`${prefix}*`, {
    callback: (error, message) => {
      if (error === null) dispatch(message);
    },
  });
  return {
    on: (id, callback) => {
      const own = listeners.get(id) ?? new Set();
      listeners.set(id, own.add(callback));
      return () => {
        own.delete(callback);
        if (own.size === 0 && listeners.get(id) === own) listeners.delete(id);
      };
    },
    close: () => {
      subscription.unsubscribe();
      listeners.clear();
    },
  };
}

/** Nudges about cache entries. `notify` ignores publish errors. */
export function openCacheNudges(connection: NatsConnection): Nudges & { notify(key: string): void } {
  return {
    ...openNudges(connection, 'cache'),
    notify: (key) => void publishNudge(connection, key, 'cache').catch(() => undefined),
  };
}
