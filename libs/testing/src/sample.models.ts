/** The terms of a video model, as far as tests need them. Assignable to the terms of the billing library. */
interface SampleModel {
  readonly id: string;
  readonly provider: string;
  readonly durations: number[] | { min: number; max: number };
  readonly aspectRatios: ('9:16' | '16:9' | '1:1')[];
  readonly ratioFollowsImage: boolean;
  readonly resolutions: { name: string; pixels: number }[];
  readonly audio: 'none' | 'optional' | 'always';
  readonly firstFrame: boolean;
  readonly seed: boolean;
  readonly skus: { id: string; when: { audio?: boolean | undefined }; per: 'second'; micros: number }[];
  readonly asOf: string;
  readonly source: string;
}

const sample = (
  id: string,
  microsPerSecond: number,
  durations: SampleModel['durations'],
  aspectRatios: SampleModel['aspectRatios'] = ['9:16', '16:9', '1:1'],
): SampleModel => ({
  id,
  provider: 'replicate',
  durations,
  aspectRatios,
  ratioFollowsImage: false,
  resolutions: [],
  audio: 'none',
  firstFrame: true,
  seed: true,
  skus: [{ id: 'second', when: {}, per: 'second', micros: microsPerSecond }],
  asOf: '2026-01-01',
  source: 'invented for tests',
});

/** Seven invented models with different lengths and prices. */
export const SAMPLE_MODELS: ReadonlyMap<string, SampleModel> = new Map(
  [
    sample('google/veo-3.1', 120_000, [4, 6, 8]),
    sample('google/veo-3', 120_000, [4, 6, 8]),
    sample('pixverse/pixverse-v5', 60_000, [5, 8]),
    sample('kwaivgi/kling-v2.5-turbo-pro', 70_000, [5, 10], []),
    sample('minimax/hailuo-02', 90_000, [6, 10], []),
    sample('bytedance/seedance-1-lite', 40_000, { min: 1, max: 12 }),
    sample('minimax/video-01', 50_000, { min: 6, max: 7 }, []),
  ].map((model) => [model.id, model]),
);

/** The sample models as the content of a `MODELS_FILE`. They replace shipped models, so that tests do not depend on real prices. */
export const sampleModelsFile = (): string =>
  JSON.stringify(
    [...SAMPLE_MODELS.values()].map(({ skus, ratioFollowsImage: _follows, resolutions: _none, ...model }) => ({
      ...model,
      skus: skus.map(({ id, micros }) => ({ id, usdPerSecond: micros / 1_000_000 })),
      inputs: {
        firstFrame: { field: 'image' },
        duration: { field: 'duration' },
        seed: { field: 'seed' },
        ...(model.aspectRatios.length === 0 ? {} : { aspectRatio: { field: 'aspect_ratio' } }),
      },
    })),
  );
