/** A value or a deletion of a key, as the broker sends it. */
export interface KeyMessage {
  readonly subject: string;
  readonly headers?: { get(name: string): string } | undefined;
  string(): string;
}

interface KeySubscription extends AsyncIterable<KeyMessage> {
  unsubscribe(): void;
}

/** The part of a broker connection that {@link followKeys} needs. The one of nats.js fits. */
export interface KeyConnection {
  subscribe(subject: string): KeySubscription;
  status(): AsyncIterable<{ readonly type: string }>;
  isClosed(): boolean;
}

export interface FollowOptions {
  readonly bucket: string;
  /** `>`, or the keys below a prefix: `signal.>`. */
  readonly keys: string;
  /** Receives every new value. Deletions are skipped. Must not throw. */
  readonly onValue: (key: string, message: KeyMessage) => void;
  /** Reads all values. Its errors are reported to `onLost`, and it is called again. */
  readonly readAll: () => Promise<void>;
  /** Called when the subscription or a read is lost, for the `failures`th time in a row. Resolves after a pause. Must not reject. */
  readonly onLost: (cause: unknown, failures: number) => Promise<void>;
  /** Ends the subscription. */
  readonly signal: AbortSignal;
}

/**
 * Follows keys of a KV bucket until the signal aborts or the connection closes. Uses a subscription to the subjects of the
 * bucket: a KV watch depends on a consumer at the broker and stays silent without an error if that is lost. Restarts a
 * subscription that ended. After a restart or a reconnection, reads all values, because some may have been missed. It does not
 * read at the start: the caller does, and `readAll` of the result reads until it succeeds.
 */
export function followKeys(
  connection: KeyConnection,
  { bucket, keys, onValue, readAll, onLost, signal }: FollowOptions,
): { readonly readAll: () => Promise<void> } {
  const prefix = `$KV.${bucket}.`;
  const isOver = (): boolean => signal.aborted || connection.isClosed();
  let subscription: KeySubscription | undefined;
  const stop = (): void => subscription?.unsubscribe();
  signal.addEventListener('abort', stop, { once: true });

  const read = async (): Promise<void> => {
    for (let failures = 1; !isOver(); failures += 1) {
      try {
        await readAll();
        return;
      } catch (error) {
        if (!isOver()) await onLost(error, failures);
      }
    }
  };
  const follow = async (): Promise<void> => {
    let isRestart = false;
    for (let failures = 1; !isOver(); failures += 1) {
      let cause: unknown = new Error('the subscription ended');
      try {
        subscription = connection.subscribe(`${prefix}${keys}`);
        if (isRestart) void read();
        for await (const message of subscription) {
          failures = 0;
          // Deletions have this header; values do not.
          if ((message.headers?.get('KV-Operation') ?? '') === '')
            onValue(message.subject.slice(prefix.length), message);
        }
      } catch (error) {
        cause = error;
      }
      subscription = undefined;
      isRestart = true;
      // Nothing to restart once the connection is closed.
      if (!isOver()) await onLost(cause, failures);
    }
    signal.removeEventListener('abort', stop);
  };
  const readOnReconnect = async (): Promise<void> => {
    for await (const { type } of connection.status()) {
      if (isOver()) return;
      if (type === 'reconnect') void read();
    }
  };
  void follow();
  void readOnReconnect();
  return { readAll: read };
}
