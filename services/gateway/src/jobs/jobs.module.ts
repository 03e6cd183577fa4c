import { type ModelTable, speechPrice } from '@clipmesh/billing';
import { type Config } from '@clipmesh/config';
import { REFERENCE_IMAGE_LIMIT_BYTES } from '@clipmesh/contracts';
import { type Media } from '@clipmesh/media';
import { type ArtifactStore, type Scratch } from '@clipmesh/persistence';
import { Module } from '@nestjs/common';
import { ARTIFACTS, CONFIG, MEDIA, MODELS, SCRATCH } from '../runtime/runtime.tokens.js';
import { JOB_DEFAULTS, type JobDefaults } from './job.builder.js';
import { FILE_DEPS, type FileDeps } from './job.files.js';
import { uploadLimit } from './upload.check.js';

/**
 * The price of the speech that the speaker makes with these settings. The gateway has no key of the speech API: with `auto`, it
 * counts the API's price, although espeak-ng may speak.
 */
function speechPriceOf({ speechProvider, speechModel, speechPrice: price }: Config): JobDefaults['speechPrice'] {
  return speechProvider === 'espeak-ng' || speechProvider === 'none' ? 'free' : (price ?? speechPrice(speechModel));
}

/** What builds a job from a request: the defaults, and the checks of its files. */
@Module({
  providers: [
    {
      provide: JOB_DEFAULTS,
      inject: [CONFIG, MODELS],
      useFactory: (config: Config, table: ModelTable): JobDefaults => ({
        models: config.videoModels,
        table,
        parallelEnabled: config.enableParallelVideoGeneration,
        maxWorkers: config.maxParallelVideoWorkers,
        fallbackAfter: config.sequentialFallbackAfter,
        speechPrice: speechPriceOf(config),
      }),
    },
    {
      provide: FILE_DEPS,
      inject: [CONFIG, ARTIFACTS, MEDIA, SCRATCH],
      useFactory: (config: Config, artifacts: ArtifactStore, media: Media, scratch: Scratch): FileDeps => ({
        artifacts,
        imageRules: {
          timeoutMs: config.referenceImageTimeoutMs,
          maxBytes: REFERENCE_IMAGE_LIMIT_BYTES,
          allowPrivate: config.allowPrivateUrls,
        },
        uploads: {
          media,
          scratch,
          limit: uploadLimit(config.uploadChecks),
          timeoutMs: config.uploadCheckTimeoutMs,
          musicMinSeconds: config.musicMinMs / 1000,
        },
      }),
    },
  ],
  exports: [JOB_DEFAULTS, FILE_DEPS],
})
export class JobsModule {}
