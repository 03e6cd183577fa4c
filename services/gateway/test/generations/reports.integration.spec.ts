import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { answerQuestion, CostSummary, questionTransport } from '@clipmesh/messaging';
import { type Broker, leakCheck, startBroker, tempFolder, type TempFolder, until } from '@clipmesh/testing';
import { Controller, type INestMicroservice, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Ctx, MessagePattern, NatsContext, Payload } from '@nestjs/microservices';
import { DEADLINE_MS, problem, rawCall, startGateway, type TestGateway } from '../gateway.harness.js';

let broker: Broker;
let folder: TempFolder;
let gateway: TestGateway;
const leaks = leakCheck();

beforeAll(async () => {
  broker = await startBroker();
  folder = await tempFolder('gateway-reports');
  gateway = await startGateway(broker, folder.path);
});

afterAll(async () => {
  await gateway.stop();
  await broker.stop();
  await folder.remove();
  expect(leaks()).toEqual([]);
});

const CHARGE = {
  key: 'prediction:a',
  kind: 'clip',
  stage: 'clip',
  provider: 'replicate',
  model: 'google/veo-3',
  quantity: 4,
  unit: 'second',
  amountMicros: 480_001,
  outcome: 'succeeded',
  at: '2026-01-02T03:04:05.678Z',
} as const;

/** A fake cost service that answers, or never answers while `silent`. */
@Controller()
class LedgerDouble {
  static silent = false;
  @MessagePattern(CostSummary.name)
  summary(@Payload() raw: unknown, @Ctx() context: NatsContext): Promise<unknown> {
    if (LedgerDouble.silent) return new Promise(() => undefined);
    return answerQuestion(CostSummary, raw, context, () =>
      Promise.resolve({ totalMicros: 480_001, entries: [CHARGE] }),
    );
  }
}
@Module({ controllers: [LedgerDouble] })
class LedgerDoubleModule {}

describe('the cost', () => {
  const cost = (id: string): Promise<Response> => gateway.call(`/v1/generations/${id}/cost`);
  const unavailable = async (id: string): Promise<void> => {
    const response = await cost(id);
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('2');
    expect(await problem(response)).toMatchObject({ code: 'COST_UNAVAILABLE', retryable: true });
  };

  it('is a 503 within the timeout while no cost service answers, then the cost in dollars', async () => {
    const id = await gateway.created();
    await unavailable(id);
    const service: INestMicroservice = await NestFactory.createMicroservice(LedgerDoubleModule, {
      ...questionTransport({ url: broker.url }, { name: 'cost.double', queue: 'cost' }),
      logger: false,
    });
    try {
      await service.listen();
      LedgerDouble.silent = true;
      await unavailable(id);
      LedgerDouble.silent = false;
      const response = await cost(id);
      expect(response.status).toBe(200);
      const { amountMicros: _micros, ...entry } = CHARGE;
      expect(await response.json()).toEqual({ id, totalUsd: 0.480001, entries: [{ ...entry, amountUsd: 0.480001 }] });
    } finally {
      await service.close();
    }
  });
});

describe('the performance report', () => {
  const report = (id: string): Promise<Response> => gateway.call(`/v1/generations/${id}/performance`);
  const text = (key: string, value: string): unknown => ({ key, value: { stringValue: value } });
  const span = (
    traceId: string,
    spanId: string,
    parentSpanId: string,
    ms: [number, number],
    stage?: string,
  ): unknown => ({
    traceId,
    spanId,
    parentSpanId,
    name: stage ?? 'root',
    kind: 1,
    startTimeUnixNano: String((1_700_000_000_000 + ms[0]) * 1_000_000),
    endTimeUnixNano: String((1_700_000_000_000 + ms[1]) * 1_000_000),
    attributes:
      stage === undefined ? [{ key: 'clipmesh.final', value: { boolValue: true } }] : [text('clipmesh.stage', stage)],
    status: {},
  });

  it('is computed from the stored trace once the generation has ended', async () => {
    const id = await gateway.created();
    const early = await report(id);
    expect(early.status).toBe(409);
    expect(await problem(early)).toMatchObject({ code: 'NOT_READY', retryable: true });
    await gateway.succeed(id);
    const traceId = 'abcdef0123456789abcdef0123456789';
    const found = await gateway.stores.generations.get(id);
    await gateway.stores.generations.save({ ...found!.value, traceId }, found!.revision);
    const spans = [
      span(traceId, '00000000000000a1', '', [0, 4000]),
      span(traceId, '00000000000000a2', '00000000000000a1', [0, 4000], 'clip'),
      span(traceId, '00000000000000a3', '00000000000000a1', [0, 4000], 'clip'),
    ];
    const document = {
      resourceSpans: [
        { resource: { attributes: [text('service.name', 'clip-generator')] }, scopeSpans: [{ scope: {}, spans }] },
      ],
    };
    const connection = await broker.connect();
    const kept = await connection.request(`traces.${traceId}`, JSON.stringify(document), { timeout: DEADLINE_MS });
    expect(kept.json()).not.toHaveProperty('error');
    const response = await report(id);
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({
      traceId,
      makespanMs: 4000,
      peakConcurrency: 2,
      bottleneck: { stage: 'clip' },
    });
  });

  it('is a 404 when the spans are no longer kept', async () => {
    const id = await gateway.created();
    await gateway.succeed(id);
    const found = await gateway.stores.generations.get(id);
    await gateway.stores.generations.save({ ...found!.value, traceId: 'f'.repeat(32) }, found!.revision);
    const response = await report(id);
    expect(response.status).toBe(404);
    expect(await problem(response)).toMatchObject({ code: 'TRACE_NOT_FOUND', retryable: false });
  });
});

describe('health', () => {
  it('is live but not ready without the broker', async () => {
    expect(await (await gateway.call('/healthz')).json()).toEqual({ status: 'ok' });
    expect(await (await gateway.call('/readyz')).json()).toEqual({ status: 'ok' });
    await broker.kill();
    try {
      const ready = await gateway.call('/readyz');
      expect(ready.status).toBe(503);
      expect(ready.headers.get('retry-after')).toBe('2');
      expect(await problem(ready)).toMatchObject({ code: 'NOT_READY', retryable: true });
      expect((await gateway.call('/healthz')).status).toBe(200);
      const listed = await rawCall(gateway.port, '/v1/generations');
      expect([listed.status, listed.headers['content-type']]).toEqual([
        503,
        expect.stringContaining('application/problem+json'),
      ]);
    } finally {
      await broker.restart();
    }
    await until(async () => (await gateway.call('/readyz')).status === 200, DEADLINE_MS, 'the gateway is ready again');
  });
});
