import { describe, expect, it } from '@jest/globals';
import { followKeys, type KeyConnection, type KeyMessage } from './key.follower.js';

/** An endless sequence that the test fills, and ends with or without an error. */
class Feed<T> implements AsyncIterable<T> {
  private readonly items: (T | Error | undefined)[] = [];
  private wake: () => void = () => undefined;
  push(item: T | Error | undefined): void {
    this.items.push(item);
    this.wake();
  }
  unsubscribe(): void {
    this.push(undefined);
  }
  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for (;;) {
      while (this.items.length === 0) await new Promise<void>((resolve) => (this.wake = resolve));
      const item = this.items.shift();
      if (item === undefined) return;
      if (item instanceof Error) throw item;
      yield item;
    }
  }
}
const settled = () => new Promise((resolve) => setImmediate(resolve));

/** A follower of `signal.>` in a bucket, on a connection that the test controls. */
function setUp() {
  const feeds: Feed<KeyMessage>[] = [];
  const status = new Feed<{ type: string }>();
  const stop = new AbortController();
  const log: string[] = [];
  const state = { closed: false, refuses: 0, failedReads: 0 };
  const connection: KeyConnection = {
    subscribe: (subject) => {
      if (state.refuses > 0) {
        state.refuses -= 1;
        throw new Error('draining');
      }
      const feed = new Feed<KeyMessage>();
      feeds.push(feed);
      log.push(`subscribe ${subject}`);
      return feed;
    },
    status: () => status,
    isClosed: () => state.closed,
  };
  const { readAll } = followKeys(connection, {
    ...{ bucket: 'limits', keys: 'signal.>', signal: stop.signal },
    onValue: (key, message) => log.push(`${key}=${message.string()}`),
    readAll: () => {
      state.failedReads -= 1;
      if (state.failedReads >= 0) return Promise.reject(new Error('no answer'));
      log.push('read');
      return Promise.resolve();
    },
    onLost: (cause, failures) => {
      log.push(`${(cause as Error).message} ${failures}`);
      return Promise.resolve();
    },
  });
  const send = async (key: string, value: string, operation = ''): Promise<void> => {
    feeds.at(-1)?.push({
      ...{ subject: `$KV.limits.${key}`, headers: { get: () => operation }, string: () => value },
    });
    await settled();
  };
  /** What happened since the last call. */
  const since = async (): Promise<string[]> => {
    await settled();
    return log.splice(0);
  };
  return { feeds, status, stop, state, readAll, send, since };
}
const SUBSCRIBED = 'subscribe $KV.limits.signal.>';

describe('following the keys of a bucket', () => {
  it('reports new values and skips deletions', async () => {
    const { send, since } = setUp();
    await send('signal.a', '1');
    await send('signal.a', '', 'DEL');
    await send('signal.b', '2');
    expect(await since()).toEqual([SUBSCRIBED, 'signal.a=1', 'signal.b=2']);
  });

  it.each([
    ['ended', undefined, 'the subscription ended'],
    ['failed', new Error('permissions violation'), 'permissions violation'],
  ])('restarts a subscription that %s, and reads all values', async (_how, end, cause) => {
    const { feeds, send, since } = setUp();
    expect(await since()).toEqual([SUBSCRIBED]);
    feeds[0]?.push(end);
    expect(await since()).toEqual([`${cause} 1`, SUBSCRIBED, 'read']);
    await send('signal.a', '1');
    expect(await since()).toEqual(['signal.a=1']);
  });

  it('counts failures in a row, until a value arrives', async () => {
    const { feeds, state, send, since } = setUp();
    await since();
    state.refuses = 2;
    feeds[0]?.push(undefined);
    expect(await since()).toEqual(['the subscription ended 1', 'draining 2', 'draining 3', SUBSCRIBED, 'read']);
    await send('signal.a', '1');
    feeds[1]?.push(undefined);
    expect((await since())[1]).toBe('the subscription ended 0');
  });

  it('reads all values after a reconnection, and repeats a read that failed', async () => {
    const { status, state, since } = setUp();
    await since();
    state.failedReads = 2;
    status.push({ type: 'disconnect' });
    status.push({ type: 'reconnect' });
    expect(await since()).toEqual(['no answer 1', 'no answer 2', 'read']);
  });

  it('reads on request until the read succeeds', async () => {
    const { state, readAll, since } = setUp();
    await since();
    state.failedReads = 1;
    await readAll();
    expect(await since()).toEqual(['no answer 1', 'read']);
  });

  it('ends when the signal aborts', async () => {
    const { status, stop, since } = setUp();
    await since();
    stop.abort();
    status.push({ type: 'reconnect' });
    expect(await since()).toEqual([]);
  });

  it('does not restart when the connection is closed', async () => {
    const { feeds, state, since } = setUp();
    await since();
    state.closed = true;
    feeds[0]?.push(new Error('closed'));
    expect(await since()).toEqual([]);
  });
});
