import { ATTR, withSpan } from '@clipmesh/tracing';
import { headers, type Msg, type NatsConnection } from '@nats-io/transport-node';
import { context, propagation, SpanKind } from '@opentelemetry/api';
import { headerGetter, headerSetter } from './header.carrier.js';

/**
 * Hints that something changed, a prediction or an entry of the cache: core NATS, kept nowhere, told to whoever listens
 * at that moment. Nothing may depend on one: a nudge that is lost only means that the next look finds out.
 */
export interface Nudges {
  /** Calls back, within the teller's trace, at every nudge about this id; returns how to stop listening. */
  on(id: string, callback: () => void): () => void;
  close(): void;
}

/** What a nudge is about. */
export type NudgeTopic = 'prediction' | 'cache';
/** What an id may look like, so that it is one token of a subject. */
export const PREDICTION_ID = /^[A-Za-z0-9_-]{1,100}$/;

/** Tells every listener that this one changed, a prediction unless told. Throws on an id that is none. */
export async function publishNudge(
  connection: NatsConnection,
  id: string,
  topic: NudgeTopic = 'prediction',
): Promise<void> {
  if (!PREDICTION_ID.test(id)) throw new RangeError(`this is no id of a ${topic}`);
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

/** Listens with one subscription for everything of a topic (predictions unless told) in this process. */
export function openNudges(connection: NatsConnection, topic: NudgeTopic = 'prediction'): Nudges {
  const prefix = `nudges.${topic}.`;
  const listeners = new Map<string, Set<() => void>>();
  const tell = (message: Msg): void => {
    const callbacks = listeners.get(message.subject.slice(prefix.length));
    if (callbacks === undefined) return;
    const parent = propagation.extract(context.active(), message.headers, headerGetter);
    context.with(parent, () => {
      for (const callback of [...callbacks]) callback();
    });
  };
  const subscription = connection.subscribe(`${prefix}*`, {
    callback: (error, message) => {
      if (error === null) tell(message);
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

/** Hints among replicas that an entry of the cache has changed. One that cannot be told is lost, as others may be. */
export function openCacheNudges(connection: NatsConnection): Nudges & { notify(key: string): void } {
  return {
    ...openNudges(connection, 'cache'),
    notify: (key) => void publishNudge(connection, key, 'cache').catch(() => undefined),
  };
}
