import { randomBytes } from 'node:crypto';
import { type GenerationRecord } from '@clipmesh/contracts';
import { type Purchase, type LedgerEntry } from '../../src/index.js';

const AT = '2026-01-02T03:04:05.678Z';
let counter = 0;

/** Sorts by time, as real ids do. */
export function newId(): string {
  counter += 1;
  return `gen_${Date.now().toString(16).padStart(12, '0')}${counter.toString(16).padStart(8, '0')}${randomBytes(6).toString('hex')}`;
}

export function sampleRecord(
  owner = 'local',
  status: GenerationRecord['state']['status'] = 'queued',
): GenerationRecord {
  return {
    id: newId(),
    owner,
    createdAt: AT,
    updatedAt: AT,
    traceId: '0'.repeat(32),
    state: {
      status,
      stage: 'planning',
      job: {
        prompt: 'a bottle that keeps tea warm',
        durationSeconds: 15,
        aspectRatio: '9:16',
        seed: 7,
        overlays: true,
        models: ['a/b'],
        window: 3,
        fallbackAfter: 3,
      },
      run: 1,
      planning: { attempt: 1 },
      window: 3,
      scenes: [],
      failures: [],
      revivals: 0,
      incidents: [],
      costMicros: 0,
      chargeKeys: [],
    },
  };
}

export function sampleEntry(generationId: string, key: string): LedgerEntry {
  return {
    key,
    kind: 'clip',
    stage: 'clip',
    provider: 'replicate',
    model: 'a/b',
    quantity: 5,
    unit: 'second',
    amountMicros: 250_000,
    outcome: 'succeeded',
    generationId,
    owner: 'local',
    at: AT,
  };
}

export function samplePurchase(generationId: string): Purchase {
  return {
    key: `clip ${generationId}/0 #1`,
    generationId,
    kind: 'clip',
    status: 'intended',
    model: 'a/b',
    fingerprint: 'f',
    createdAt: AT,
    updatedAt: AT,
  };
}
