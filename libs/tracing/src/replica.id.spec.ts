import { hostname } from 'node:os';
import { describe, expect, it } from '@jest/globals';
import { replicaId } from './replica.id.js';

describe('replicaId', () => {
  it('differs between containers with the same pid and between processes of one machine', () => {
    const ids = [replicaId('overlay', 'a', 1), replicaId('overlay', 'b', 1), replicaId('overlay', 'a', 2)];
    expect(new Set(ids).size).toBe(3);
    expect(replicaId('overlay')).toBe(`overlay.${hostname()}.${process.pid}`);
  });
});
