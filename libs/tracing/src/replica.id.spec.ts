import { hostname } from 'node:os';
import { describe, expect, it } from '@jest/globals';
import { replicaId } from './replica.id.js';

describe('the id of a replica', () => {
  it('differs in two containers, where each is process 1, and in two processes of one machine', () => {
    const ids = [replicaId('overlay', 'a', 1), replicaId('overlay', 'b', 1), replicaId('overlay', 'a', 2)];
    expect(new Set(ids).size).toBe(3);
    expect(replicaId('overlay')).toBe(`overlay.${hostname()}.${process.pid}`);
  });
});
