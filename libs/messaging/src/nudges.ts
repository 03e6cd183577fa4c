import { withSpan } from '@clipmesh/tracing';
import { headers, type Msg, type NatsConnection } from '@nats-io/transport-node';
import { context, propagation, SpanKind } from '@opentelemetry/api';
import { headerGetter, headerSetter } from './header.carrier.js';

/**
 * Hints that a prediction changed: core NATS, kept nowhere, told to whoever listens at that moment. Nothing may depend on
 * one: a nudge that is lost only means that the next poll finds out.
 */
export interface Nudges {
  /** Calls back, within the teller's trace, at every nudge about this prediction; returns how to stop listening. */
  on(predictionId: string, callback: () => void): () => void;
  close(): void;
}

const PREFIX = 'nudges.prediction.';
/** What a provider's id may look like, so that it is one token of a subject. */
export const PREDICTION_ID = /^[A-Za-z0-9_-]{1,100}$/;

/** Tells every listener that this prediction changed. Throws on an id that is none. */
export async function publishNudge(connection: NatsConnection, predictionId: string): Promise<void> {
  if (!PREDICTION_ID.test(predictionId)) throw new RangeError('this is no id of a prediction');
  await withSpan(
    'clipmesh.messaging',
    'publish nudge',
    {
      'messaging.system': 'nats',
      'messaging.destination.name': 'nudges.prediction',
      'clipmesh.prediction.id': predictionId,
    },
    () => {
      const carrier = headers();
      propagation.inject(context.active(), carrier, headerSetter);
      connection.publish(`${PREFIX}${predictionId}`, '', { headers: carrier });
      return Promise.resolve();
    },
    SpanKind.PRODUCER,
  );
}

/** Listens with one subscription for all predictions of this process. */
export function openNudges(connection: NatsConnection): Nudges {
  const listeners = new Map<string, Set<() => void>>();
  const tell = (message: Msg): void => {
    const predictionId = message.subject.slice(PREFIX.length);
    const callbacks = listeners.get(predictionId);
    if (callbacks === undefined) return;
    const parent = propagation.extract(context.active(), message.headers, headerGetter);
    context.with(parent, () => {
      for (const callback of [...callbacks]) callback();
    });
  };
  const subscription = connection.subscribe(`${PREFIX}*`, {
    callback: (error, message) => {
      if (error === null) tell(message);
    },
  });
  return {
    on: (predictionId, callback) => {
      const own = listeners.get(predictionId) ?? new Set();
      listeners.set(predictionId, own.add(callback));
      return () => {
        own.delete(callback);
        if (own.size === 0 && listeners.get(predictionId) === own) listeners.delete(predictionId);
      };
    },
    close: () => {
      subscription.unsubscribe();
      listeners.clear();
    },
  };
}
