import { type MsgHdrs } from '@nats-io/transport-node';
import { type TextMapGetter, type TextMapSetter } from '@opentelemetry/api';

/** Writes and reads the W3C trace context in message headers. */
export const headerSetter: TextMapSetter<MsgHdrs> = {
  set: (carrier, key, value) => {
    carrier.set(key, value);
  },
};
export const headerGetter: TextMapGetter<MsgHdrs | undefined> = {
  keys: (carrier) => carrier?.keys() ?? [],
  get: (carrier, key) => {
    const value = carrier?.get(key);
    return value === undefined || value === '' ? undefined : value;
  },
};
