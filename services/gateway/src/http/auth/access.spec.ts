import { describe, expect, it } from '@jest/globals';
import { createAccess, refuseUnprotectedHost } from './access.js';

describe('access', () => {
  it('maps a key to its owner, and an unknown key to nobody', () => {
    const ownerOf = createAccess(['ann:0123456789abcdef', 'bob:fedcba9876543210']);
    expect(ownerOf('Bearer fedcba9876543210')).toBe('bob');
    expect(ownerOf('Bearer nope')).toBeUndefined();
    expect(ownerOf(undefined)).toBeUndefined();
    expect(createAccess([])(undefined)).toBe('local');
  });

  it('throws for a public address without API keys', () => {
    expect(() => {
      refuseUnprotectedHost('0.0.0.0', []);
    }).toThrow('API_KEYS');
    expect(() => {
      refuseUnprotectedHost('127.0.0.1', []);
    }).not.toThrow();
  });
});
