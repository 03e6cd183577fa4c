import { type GenerationRecord, type GenerationState, type Job } from '@clipmesh/contracts';
import { initialState } from '@clipmesh/pipeline';

export const at = '2026-01-01T00:00:00.000Z';
export const idOf = (digit: string): string => `gen_${digit.repeat(32)}`;
const job: Job = {
  prompt: 'A kettle that sings.',
  durationSeconds: 9,
  aspectRatio: '9:16',
  seed: 1,
  overlays: true,
  models: ['google/veo-3.1'],
  window: 2,
  fallbackAfter: 3,
};

/** A new generation, with these changes of the record and of its state. */
export const recordOf = (
  change: Partial<GenerationRecord> = {},
  state: Partial<GenerationState> = {},
): GenerationRecord => ({
  ...{ id: idOf('1'), owner: 'local', createdAt: at, updatedAt: at, traceId: '0'.repeat(32) },
  ...change,
  state: { ...initialState(job), ...state },
});
