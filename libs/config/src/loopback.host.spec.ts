import { describe, expect, it } from '@jest/globals';
import { isLoopback } from './loopback.host.js';

describe('a loopback host', () => {
  it.each(['localhost', 'LocalHost', '127.0.0.1', '127.9.8.7', '::1', '[::1]'])('%s', (host) => {
    expect(isLoopback(host)).toBe(true);
  });

  it.each(['', '0.0.0.0', '::', '10.0.0.1', '127.0.0.1.example.com', 'localhost.example.com', '::ffff:127.0.0.1'])(
    'is not %j',
    (host) => {
      expect(isLoopback(host)).toBe(false);
    },
  );
});
