import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Broker, leakCheck, startBroker } from '@clipmesh/testing';
import { connectBroker, questionTransport } from '../src/index.js';

describe('an address of the broker with tls:', () => {
  const leaks = leakCheck();
  let broker: Broker;
  beforeAll(async () => {
    broker = await startBroker();
  });
  afterAll(async () => {
    await broker.stop();
    expect(leaks()).toEqual([]);
  });

  it('is never spoken to in clear', async () => {
    const url = broker.url.replace('nats:', 'tls:');
    await expect(connectBroker({ url, name: 'test', graceMs: 0 })).rejects.toMatchObject({
      cause: expect.objectContaining({ message: "server does not support 'tls'" }),
    });
    expect(questionTransport({ url }, { name: 'test' }).options).toMatchObject({ tls: {} });
    await (await connectBroker({ url: broker.url, name: 'test', graceMs: 0 })).close();
  });
});
