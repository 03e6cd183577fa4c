import { type ModelTable, type ModelTerms } from '@clipmesh/billing';

const model = (id: string, micros: number, durations: ModelTerms['durations']): ModelTerms => ({
  id,
  provider: 'replicate',
  durations,
  aspectRatios: ['9:16', '16:9', '1:1'],
  ratioFollowsImage: false,
  resolutions: [],
  audio: 'none',
  firstFrame: true,
  seed: true,
  skus: [{ id: 'second', when: {}, per: 'second', micros }],
  asOf: '2026-01-01',
  source: 'invented for the simulation',
});

/** The models of the simulation, with invented prices, so that its figures do not change with real ones. */
export const SIM_MODELS: ModelTable = new Map(
  [
    model('google/veo-3.1', 120_000, [4, 6, 8]),
    model('google/veo-3', 120_000, [4, 6, 8]),
    model('pixverse/pixverse-v5', 60_000, [5, 8]),
    model('bytedance/seedance-1-lite', 40_000, { min: 1, max: 12 }),
    model('minimax/video-01', 50_000, { min: 6, max: 7 }),
  ].map((terms) => [terms.id, terms]),
);
