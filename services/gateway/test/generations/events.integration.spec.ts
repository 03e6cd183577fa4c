import { once } from 'node:events';
import { connect as netConnect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ClipAbandoned, EVENTS_STREAM, message, RetryRequested } from '@clipmesh/contracts';
import { type Broker, leakCheck, startBroker, tempFolder, type TempFolder, until, within } from '@clipmesh/testing';
import { parseEvents, problem, rawCall, startGateway, type TestGateway } from '../gateway.harness.js';

let broker: Broker;
let folder: TempFolder;
let gateway: TestGateway;
const leaks = leakCheck();

beforeAll(async () => {
  broker = await startBroker();
  folder = await tempFolder('gateway-events');
  gateway = await startGateway(broker, folder.path, { SSE_HEARTBEAT_SECONDS: '1', SSE_STREAMS: '3' });
});

afterAll(async () => {
  await gateway.stop();
  await broker.stop();
  await folder.remove();
  expect(leaks()).toEqual([]);
});

const open = (id: string, headers: Record<string, string> = {}): Promise<Response> =>
  gateway.call(`/v1/generations/${id}/events`, { headers });
const cancel = (id: string): Promise<Response> => gateway.call(`/v1/generations/${id}/cancel`, { method: 'POST' });

/** Reads until the text contains `wanted`. The timeout of the request ends a stream without it. */
async function readUntil(reader: ReadableStreamDefaultReader<Uint8Array>, wanted: string): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  while (!text.includes(wanted)) {
    const { done, value } = await reader.read();
    if (done) throw new Error(`the stream ended before ${wanted}: ${text}`);
    text += decoder.decode(value, { stream: true });
  }
  return text;
}

describe('the event stream of a generation', () => {
  it('sends heartbeats and events, and ends with the generation', async () => {
    const id = await gateway.created();
    const response = await open(id);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    const reader: ReadableStreamDefaultReader<Uint8Array> = response.body!.getReader();
    await readUntil(reader, ': keep-alive\n\n');
    await cancel(id);
    const received = await readUntil(reader, 'event: cancel.requested');
    await gateway.succeed(id);
    let rest = '';
    const decoder = new TextDecoder();
    for (let next = await reader.read(); !next.done; next = await reader.read()) rest += decoder.decode(next.value);
    expect(parseEvents(received + rest).map(({ event }) => event)).toEqual([
      'cancel.requested',
      'generation.succeeded',
    ]);
  });

  it('continues after Last-Event-ID, and is a 204 for a client that has the last event', async () => {
    const id = await gateway.created();
    await cancel(id);
    await gateway.succeed(id);
    const all = parseEvents(await (await open(id)).text());
    expect(all.map(({ event }) => event)).toEqual(['cancel.requested', 'generation.succeeded']);
    expect(all.map((event) => event.id)).toEqual([1, 2]);
    expect(parseEvents(await (await open(id, { 'last-event-id': '1' })).text())).toEqual(all.slice(1));
    const after = await open(id, { 'last-event-id': '2' });
    expect([after.status, await after.text()]).toEqual([204, '']);
  });

  it('is read once by an EventSource, which then stops', async () => {
    const id = await gateway.created();
    await cancel(id);
    await gateway.succeed(id);
    // By the HTML standard: reconnect with the last id after every 200, stop at any other status.
    const received: string[] = [];
    const statuses: number[] = [];
    let lastId: string | undefined;
    do {
      const response = await open(id, lastId === undefined ? {} : { 'last-event-id': lastId });
      statuses.push(response.status);
      for (const event of parseEvents(await response.text())) {
        received.push(event.event);
        lastId = String(event.id);
      }
    } while (statuses.at(-1) === 200 && statuses.length < 5);
    expect(statuses).toEqual([200, 204]);
    expect(received).toEqual(['cancel.requested', 'generation.succeeded']);
  });

  it('numbers the events of each generation, with the same ids at every replica', async () => {
    const [id, other] = [await gateway.created(), await gateway.created()];
    await cancel(id);
    for (let n = 0; n < 3; n += 1) await cancel(other);
    await gateway.succeed(other);
    await gateway.succeed(id);
    const replica = await startGateway(broker, folder.path);
    try {
      for (const url of [gateway.url, replica.url]) {
        const text = await (await fetch(`${url}/v1/generations/${id}/events`)).text();
        expect(parseEvents(text).map((event) => [event.id, event.event])).toEqual([
          [1, 'cancel.requested'],
          [2, 'generation.succeeded'],
        ]);
      }
    } finally {
      await replica.stop();
    }
  });

  it('replays everything for an unknown id', async () => {
    const id = await gateway.created();
    await cancel(id);
    await gateway.succeed(id);
    const replayed = parseEvents(await (await open(id, { 'last-event-id': '48213' })).text());
    expect(replayed.map((event) => event.id)).toEqual([1, 2]);
    const running = await gateway.created();
    await cancel(running);
    const response = await open(running, { 'last-event-id': '48213' });
    await gateway.succeed(running);
    expect(parseEvents(await response.text()).map((event) => event.id)).toEqual([1, 2]);
  });

  it('continues after Last-Event-ID when earlier generations were deleted', async () => {
    const purge = (options = {}) =>
      gateway.runtime.connection.request(`$JS.API.STREAM.PURGE.${EVENTS_STREAM}`, JSON.stringify(options));
    const before = await gateway.created();
    await cancel(before);
    await gateway.succeed(before);
    const id = await gateway.created();
    // Like a deletion of all earlier generations: the first event of the stream is the first event of this one.
    await purge();
    await cancel(id);
    await gateway.succeed(id);
    const rest = parseEvents(await (await open(id, { 'last-event-id': '1' })).text());
    expect(rest.map((event) => [event.id, event.event])).toEqual([[2, 'generation.succeeded']]);
    // Its own first event was removed: ordinals have changed, and the remaining events are replayed.
    await purge({ keep: 1 });
    const left = parseEvents(await (await open(id, { 'last-event-id': '2' })).text());
    expect(left.map(({ event }) => event)).toEqual(['generation.succeeded']);
  });

  it('is a 204 after the last event of the run, also when events of purchases follow it', async () => {
    const id = await gateway.created();
    await cancel(id);
    await gateway.succeed(id);
    const at = new Date().toISOString();
    await gateway.runtime.publish([
      message(ClipAbandoned, { generationId: id, at, charges: [], scene: 0, predictionId: 'p1' }),
    ]);
    expect(parseEvents(await (await open(id)).text()).map((event) => event.event)).toEqual([
      'cancel.requested',
      'generation.succeeded',
      'clip.abandoned',
    ]);
    expect((await open(id, { 'last-event-id': '2' })).status).toBe(204);
    expect((await open(id, { 'last-event-id': '3' })).status).toBe(204);
  });

  it('is a 204 for an ended generation without stored events', async () => {
    const id = await gateway.created();
    await gateway.change(id, { status: 'canceled' });
    expect((await open(id)).status).toBe(204);
    expect((await open(id, { 'last-event-id': '7' })).status).toBe(204);
  }, 60_000);

  it('answers a HEAD with the same headers, without counting it as an open stream', async () => {
    const id = await gateway.created();
    const heads = await Promise.all(
      Array.from({ length: 5 }, () => rawCall(gateway.port, `/v1/generations/${id}/events`, { method: 'HEAD' })),
    );
    for (const { status, headers, body } of heads)
      expect([status, headers['content-type'], body]).toEqual([200, 'text/event-stream; charset=utf-8', '']);
    await gateway.succeed(id);
  });

  it('is limited per owner, and a disconnect frees a stream', async () => {
    const id = await gateway.created();
    const clients = Array.from({ length: 3 }, () => new AbortController());
    const streams = await Promise.all(
      clients.map(({ signal }) => gateway.call(`/v1/generations/${id}/events`, { signal })),
    );
    expect(streams.map(({ status }) => status)).toEqual([200, 200, 200]);
    const refused = await open(id);
    expect(refused.headers.get('retry-after')).toBe('5');
    expect(await problem(refused)).toMatchObject({ code: 'TOO_MANY_STREAMS', retryable: true });
    clients[0]!.abort();
    const next = await until(
      async () => {
        const response = await open(id);
        if (response.status === 200) return response;
        await response.text();
        return undefined;
      },
      120_000,
      'a free stream',
    );
    await gateway.succeed(id);
    await Promise.all([next, ...streams.slice(1)].map((response) => response.text()));
  });

  it('does not count a client that disconnected before its stream started', async () => {
    const id = await gateway.created();
    const request = `GET /v1/generations/${id}/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`;
    for (let client = 0; client < 20; client += 1) {
      const socket = netConnect(gateway.port, '127.0.0.1');
      socket.write(request, () => socket.destroy());
      await once(socket, 'close');
    }
    const response = await until(
      async () => {
        const opened = await open(id);
        if (opened.status === 200) return opened;
        await opened.text();
        return undefined;
      },
      120_000,
      'a free stream',
    );
    await gateway.succeed(id);
    await response.text();
  });

  it('continues a running generation after a reconnect', async () => {
    const id = await gateway.created();
    await cancel(id);
    const before = await open(id);
    const [seen] = parseEvents(await readUntil(before.body!.getReader(), '\n\n'));
    const again = await open(id, { 'last-event-id': String(seen!.id) });
    await gateway.succeed(id);
    expect(parseEvents(await again.text()).map(({ event }) => event)).toEqual(['generation.succeeded']);
    await before.text().catch(() => undefined);
  });

  it('does not end with a run that was retried', async () => {
    const id = await gateway.created();
    await gateway.succeed(id);
    await gateway.change(id, { status: 'generating', run: 2 });
    const response = await open(id);
    const at = new Date().toISOString();
    await gateway.runtime.publish([message(RetryRequested, { generationId: id, at, charges: [], run: 2 })]);
    await gateway.succeed(id);
    expect(parseEvents(await response.text()).map(({ event }) => event)).toEqual([
      'generation.succeeded',
      'retry.requested',
      'generation.succeeded',
    ]);
  });

  it('does not end with a run whose retry has not started yet', async () => {
    const id = await gateway.created();
    await gateway.succeed(id);
    await gateway.change(id, { status: 'failed' });
    expect((await gateway.call(`/v1/generations/${id}/retry`, { method: 'POST' })).status).toBe(202);
    const response = await open(id);
    const reader: ReadableStreamDefaultReader<Uint8Array> = response.body!.getReader();
    const before = await readUntil(reader, 'event: retry.requested');
    await gateway.change(id, { status: 'generating', run: 2 });
    await gateway.succeed(id);
    let rest = '';
    for (let next = await reader.read(); !next.done; next = await reader.read())
      rest += Buffer.from(next.value).toString();
    expect(parseEvents(before + rest).map(({ event }) => event)).toEqual([
      'generation.succeeded',
      'retry.requested',
      'generation.succeeded',
    ]);
  });

  it('ends a HEAD response: the next request on its connection gets a response', async () => {
    const id = await gateway.created();
    const socket = netConnect(gateway.port, '127.0.0.1');
    const request = (line: string): string => `${line} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`;
    socket.write(request(`HEAD /v1/generations/${id}/events`) + request('GET /healthz'));
    const text = async (): Promise<string> => {
      let all = '';
      for await (const piece of socket) if ((all += String(piece)).includes('"ok"')) break;
      return all;
    };
    expect(await within(text(), 120_000, 'the second response')).toContain('text/event-stream');
    await gateway.succeed(id);
  });

  it.each(['x', '-1', '1.5', '9'.repeat(16)])('rejects %s as Last-Event-ID', async (lastEventId) => {
    const id = await gateway.created();
    const response = await open(id, { 'last-event-id': lastEventId });
    expect(response.status).toBe(400);
    expect(await problem(response)).toMatchObject({ detail: expect.stringContaining('Last-Event-ID') });
  });
});

describe('a retry', () => {
  const retry = (id: string): Promise<Response> => gateway.call(`/v1/generations/${id}/retry`, { method: 'POST' });

  it('of a failed generation is accepted, and two concurrent retries are one run', async () => {
    const id = await gateway.created();
    await gateway.change(id, { status: 'failed' });
    const answers = await Promise.all([retry(id), retry(id)]);
    expect(answers.map(({ status }) => status)).toEqual([202, 202]);
    expect(await answers[0].json()).toMatchObject({ id, status: 'queued', links: { self: `/v1/generations/${id}` } });
    await gateway.change(id, { run: 2 });
    await gateway.succeed(id);
    const events = parseEvents(await (await open(id)).text());
    expect(events.map(({ event, data }) => [event, data['run']])).toEqual([
      ['retry.requested', 2],
      ['generation.succeeded', 2],
    ]);
  });

  it.each(['queued', 'generating', 'succeeded', 'canceled'] as const)(
    'of a generation that is %s is rejected',
    async (status) => {
      const id = await gateway.created();
      await gateway.change(id, { status });
      const response = await retry(id);
      expect(response.status).toBe(409);
      expect(await problem(response)).toMatchObject({ code: 'NOT_FAILED', retryable: false });
    },
  );

  it('of a generation that failed during a cancel is rejected', async () => {
    const id = await gateway.created();
    expect((await cancel(id)).status).toBe(202);
    await gateway.change(id, { status: 'failed' });
    const response = await retry(id);
    expect(response.status).toBe(409);
    expect(await problem(response)).toMatchObject({ code: 'CANCELED', retryable: false });
  });

  it('of an unknown generation is a 404', async () => {
    expect((await retry(`gen_${'e'.repeat(32)}`)).status).toBe(404);
  });
});
