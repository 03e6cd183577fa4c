import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Broker, leakCheck, startBroker, tempFolder, type TempFolder } from '@clipmesh/testing';
import { problem, startGateway } from './gateway.harness.js';

let broker: Broker;
let folder: TempFolder;
const leaks = leakCheck();
const MODEL = { OPENAI_MODEL: 'llama3.1:8b' };
const PRICES = { LLM_INPUT_PRICE_USD_PER_MTOK: '0', LLM_OUTPUT_PRICE_USD_PER_MTOK: '0.5' };
const BUDGET = { BUDGET_PER_OWNER_USD: '100' };
const CAP = { maxCostUsd: 20 };

beforeAll(async () => {
  broker = await startBroker();
  folder = await tempFolder('gateway-prices');
});
afterAll(async () => {
  await broker.stop();
  await folder.remove();
  expect(leaks()).toEqual([]);
});

describe('a language model', () => {
  it.each<[string, Record<string, string>, Record<string, unknown>, number]>([
    ['without a price is rejected with a cap', MODEL, CAP, 422],
    ['without a price is rejected with a budget', { ...MODEL, ...BUDGET }, {}, 422],
    ['without a price is accepted without either', MODEL, {}, 202],
    ['with a configured price is accepted with both', { ...MODEL, ...PRICES, ...BUDGET }, CAP, 202],
    [
      'that is free is accepted with both',
      { ...MODEL, ...PRICES, LLM_OUTPUT_PRICE_USD_PER_MTOK: '0', ...BUDGET },
      CAP,
      202,
    ],
    ['of the price table is accepted with both', BUDGET, CAP, 202],
  ])('%s', async (_what, env, body, status) => {
    const gateway = await startGateway(broker, folder.path, env);
    try {
      const answer = await gateway.create(body);
      expect(answer.status).toBe(status);
      if (status === 422)
        expect(await problem(answer)).toMatchObject({ code: 'PRICE_UNKNOWN', retryable: false, charged: false });
    } finally {
      await gateway.stop();
    }
  });
});
