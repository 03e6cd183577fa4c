import { describe, expect, it } from '@jest/globals';
import { createCanceler } from './prediction.cancel.js';
import { RateLimiter } from '../limits/rate.limiter.js';

describe('canceling a prediction', () => {
  it('throws a retryable timeout when a cool-down outlasts the call, because the prediction still runs', async () => {
    const limiter = new RateLimiter({ createsPerMinute: 600, callsPerMinute: 600 });
    await limiter.coolDown(60_000);
    const cancel = createCanceler({
      send: async (_operation, signal) => {
        await limiter.acquire('call', signal);
        return undefined;
      },
      get: ({ id }) => Promise.resolve({ id, status: 'processing' }),
      callTimeoutMs: 20,
    });
    await expect(cancel({ id: 'p', model: 'm' })).rejects.toMatchObject({ code: 'PROVIDER_TIMEOUT', retryable: true });
  });
});
