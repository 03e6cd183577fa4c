import { once } from 'node:events';
import { connect as netConnect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ClipAbandoned, EVENTS_STREAM, message, RetryRequested } from '@clipmesh/contracts';
import { type Broker, leakCheck, startBroker, tempFolder, type TempFolder, until, within } from '@clipmesh/testing';
import { parseEvents, problem, rawCall, startGateway, type TestGateway } from './gateway.harness.js';

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

/** Reads until the text has `wanted`; the call's own deadline ends a stream that never says it. */
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

describe('the stream of a generation', () => {
  it('beats while nothing happens, tells what happens, and ends with the generation', async () => {
    const id = await gateway.created();
    const response = await open(id);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    const reader = response.body!.getReader();
    await readUntil(reader, ': keep-alive\n\n');
    await cancel(id);
    const told = await readUntil(reader, 'event: cancel.requested');
    await gateway.succeed(id);
    let rest = '';
    const decoder = new TextDecoder();
    for (let next = await reader.read(); !next.done; next = await reader.read()) rest += decoder.decode(next.value);
    expect(parseEvents(told + rest).map(({ event }) => event)).toEqual(['cancel.requested', 'generation.succeeded']);
  });

  it('goes on after Last-Event-ID, repeats nothing, and is a 204 for a client that has its last event', async () => {
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

  it('is read by an EventSource to its end, once, and then left alone', async () => {
    const id = await gateway.created();
    await cancel(id);
    await gateway.succeed(id);
    // As the HTML standard says: reconnect with the last id after every 200, stop at anything else.
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

  it('has ids of its own: they do not show what others do, and are the same at every replica', async () => {
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

  it('replays everything for an id that was never given out, such as one of the whole stream', async () => {
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

  it('goes on after Last-Event-ID though the generations before are deleted', async () => {
    const purge = (options = {}) =>
      gateway.runtime.connection.request(`$JS.API.STREAM.PURGE.${EVENTS_STREAM}`, JSON.stringify(options));
    const before = await gateway.created();
    await cancel(before);
    await gateway.succeed(before);
    const id = await gateway.created();
    // As the deletion of every generation before leaves the stream: its first event is the first of this one.
    await purge();
    await cancel(id);
    await gateway.succeed(id);
    const rest = parseEvents(await (await open(id, { 'last-event-id': '1' })).text());
    expect(rest.map((event) => [event.id, event.event])).toEqual([[2, 'generation.succeeded']]);
    // Its own first event is trimmed: ordinals do not hold, and what is left is replayed.
    await purge({ keep: 1 });
    const left = parseEvents(await (await open(id, { 'last-event-id': '2' })).text());
    expect(left.map(({ event }) => event)).toEqual(['generation.succeeded']);
  });

  it('is a 204 for the last event of the run although events of purchases come after it', async () => {
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

  it('is a 204 where an ended generation has no event left', async () => {
    const id = await gateway.created();
    await gateway.change(id, { status: 'canceled' });
    expect((await open(id)).status).toBe(204);
    expect((await open(id, { 'last-event-id': '7' })).status).toBe(204);
  }, 60_000);

  it('answers a HEAD at once, with the same headers, and takes no place for it', async () => {
    const id = await gateway.created();
    const heads = await Promise.all(
      Array.from({ length: 5 }, () => rawCall(gateway.port, `/v1/generations/${id}/events`, { method: 'HEAD' })),
    );
    for (const { status, headers, body } of heads)
      expect([status, headers['content-type'], body]).toEqual([200, 'text/event-stream; charset=utf-8', '']);
    await gateway.succeed(id);
  });

  it('has so many places for an owner, and one again when a client goes', async () => {
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
      'a place',
    );
    await gateway.succeed(id);
    await Promise.all([next, ...streams.slice(1)].map((response) => response.text()));
  });

  it('keeps no place for a client that went before its stream began', async () => {
    const id = await gateway.created();
    const ask = `GET /v1/generations/${id}/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`;
    for (let client = 0; client < 20; client += 1) {
      const socket = netConnect(gateway.port, '127.0.0.1');
      socket.write(ask, () => socket.destroy());
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
      'a place',
    );
    await gateway.succeed(id);
    await response.text();
  });

  it('picks up a running one where the client left it', async () => {
    const id = await gateway.created();
    await cancel(id);
    const before = await open(id);
    const [seen] = parseEvents(await readUntil(before.body!.getReader(), '\n\n'));
    const again = await open(id, { 'last-event-id': String(seen!.id) });
    await gateway.succeed(id);
    expect(parseEvents(await again.text()).map(({ event }) => event)).toEqual(['generation.succeeded']);
    await before.text().catch(() => undefined);
  });

  it('does not end with the end of a run that was followed by a retry', async () => {
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

  it('goes on past the end of a run whose retry nobody has taken up yet', async () => {
    const id = await gateway.created();
    await gateway.succeed(id);
    await gateway.change(id, { status: 'failed' });
    expect((await gateway.call(`/v1/generations/${id}/retry`, { method: 'POST' })).status).toBe(202);
    const response = await open(id);
    const reader = response.body!.getReader();
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

  it('is not kept open by a HEAD: the next request on its connection is answered', async () => {
    const id = await gateway.created();
    const socket = netConnect(gateway.port, '127.0.0.1');
    const request = (line: string): string => `${line} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`;
    socket.write(request(`HEAD /v1/generations/${id}/events`) + request('GET /healthz'));
    const text = async (): Promise<string> => {
      let all = '';
      for await (const piece of socket) if ((all += String(piece)).includes('"ok"')) break;
      return all;
    };
    expect(await within(text(), 120_000, 'the second answer')).toContain('text/event-stream');
    await gateway.succeed(id);
  });

  it.each(['x', '-1', '1.5', '9'.repeat(16)])('refuses %s as Last-Event-ID', async (lastEventId) => {
    const id = await gateway.created();
    const response = await open(id, { 'last-event-id': lastEventId });
    expect(response.status).toBe(400);
    expect(await problem(response)).toMatchObject({ detail: expect.stringContaining('Last-Event-ID') });
  });
});

describe('retry', () => {
  const retry = (id: string): Promise<Response> => gateway.call(`/v1/generations/${id}/retry`, { method: 'POST' });

  it('of a failed one is taken, and two at once are one run', async () => {
    const id = await gateway.created();
    await gateway.change(id, { status: 'failed' });
    const answers = await Promise.all([retry(id), retry(id)]);
    expect(answers.map(({ status }) => status)).toEqual([202, 202]);
    expect(await answers[0].json()).toMatchObject({ id, status: 'queued', links: { self: `/v1/generations/${id}` } });
    await gateway.change(id, { run: 2 });
    await gateway.succeed(id);
    const told = parseEvents(await (await open(id)).text());
    expect(told.map(({ event, data }) => [event, data['run']])).toEqual([
      ['retry.requested', 2],
      ['generation.succeeded', 2],
    ]);
  });

  it.each(['queued', 'generating', 'succeeded', 'canceled'] as const)(
    'of one that is %s is refused',
    async (status) => {
      const id = await gateway.created();
      await gateway.change(id, { status });
      const response = await retry(id);
      expect(response.status).toBe(409);
      expect(await problem(response)).toMatchObject({ code: 'NOT_FAILED', retryable: false });
    },
  );

  it('of one that failed while it was being canceled is refused: nobody would work for it', async () => {
    const id = await gateway.created();
    expect((await cancel(id)).status).toBe(202);
    await gateway.change(id, { status: 'failed' });
    const response = await retry(id);
    expect(response.status).toBe(409);
    expect(await problem(response)).toMatchObject({ code: 'CANCELED', retryable: false });
  });

  it('of one that is not there is 404', async () => {
    expect((await retry(`gen_${'e'.repeat(32)}`)).status).toBe(404);
  });
});
