import { buffer } from 'node:stream/consumers';
import { type Artifact } from '@clipmesh/contracts';
import { openMedia } from '@clipmesh/media';
import { openCacheNudges, openNudges, type ServiceRuntime, systemClock } from '@clipmesh/messaging';
import { type ClipDeps, openPurchaseCache } from '@clipmesh/purchasing';
import {
  isIntact,
  openArtifactFolder,
  openLimitStore,
  openProviderReports,
  openScratch,
  openStores,
} from '@clipmesh/persistence';
import { loadModels, openProviders } from '@clipmesh/providers';
import { type DynamicModule, Module } from '@nestjs/common';
import { CancelerActor } from './canceler.actor.js';
import { CLIP_DEPS, ClipGeneratorActor } from './clip-generator.actor.js';
import { type DraftClipDeps } from './draft.clip.js';
import { startCacheSweeper } from './cache.sweeper.js';

const CLOSING = Symbol('CLOSING');

@Module({})
class ClipGeneratorModule {}

/** The clip generator module. Throws without ffmpeg, and when no model of VIDEO_MODELS has a configured provider. */
export async function clipGeneratorModule(runtime: ServiceRuntime): Promise<DynamicModule> {
  const { config, logger, connection, cancellations, workerId } = runtime;
  const scratch = await openScratch(config.tempDir, workerId);
  const media = openMedia(config, scratch.directory);
  await media.check();
  const stores = await openStores({ connection, config });
  const artifacts = await openArtifactFolder({ directory: config.artifactsDir });
  const nudges = openNudges(connection);
  const cacheNudges = openCacheNudges(connection);
  const models = await loadModels(config.modelsFile);
  const context = {
    models,
    shared: await openLimitStore(connection, { replicas: config.natsReplicas }),
    nudge: (predictionId: string, poke: () => void) => nudges.on(predictionId, poke),
    reports: {
      find: openProviderReports(stores.idempotency).find,
      read: async (key: string) => buffer(await artifacts.open({ key })),
    },
    log: logger,
    readFile: async (artifact: Artifact) => buffer(await artifacts.open(artifact)),
  };
  const providers = openProviders(config, context, config.videoModels);
  const deps: ClipDeps & DraftClipDeps = {
    providers,
    models,
    purchases: stores.purchases,
    claims: stores.idempotency,
    artifacts,
    // Renewed first, so that no sweep removes the file before the generation's record references it.
    isIntact: async (artifact) => (await artifacts.renew(artifact)) && isIntact(artifacts, artifact),
    media,
    clipRules: { minShare: config.clipMinPercent / 100, maxSeconds: config.clipMaxMs / 1000 },
    downloads: {
      tries: config.clipDownloadAttempts,
      firstDelayMs: config.clipDownloadRetryFirstMs,
      maxDelayMs: config.clipDownloadRetryMaxMs,
    },
    cache: openPurchaseCache(config, { stores, nudges: cacheNudges, logger }),
    logger,
    scratch,
    planTimeoutMs: config.openaiApiTimeoutMs,
    speechTimeoutMs: config.speechTimeoutMs,
    timeoutMs: config.videoGenerationTimeoutMs,
    clock: systemClock,
    isCanceled: (generationId) => cancellations.check(generationId),
    markCanceled: (generationId) => cancellations.request(generationId),
    outcomeTimeouts: { callTimeoutMs: config.providerCallTimeoutMs, settleMs: config.attemptSettleMs },
    unknownPurchases: config.unknownPurchases,
  };
  const sweeper = startCacheSweeper({
    store: stores.cache,
    logger,
    clock: systemClock,
    intervalMs: config.cacheSweepMs,
    limits: { ttlMs: config.cacheTtlMs, maxBytes: config.cacheMaxBytes },
  });
  return {
    module: ClipGeneratorModule,
    controllers: [ClipGeneratorActor, CancelerActor],
    providers: [
      { provide: CLIP_DEPS, useValue: deps },
      {
        provide: CLOSING,
        useValue: {
          onModuleDestroy: async () => {
            await sweeper.stop();
            nudges.close();
            cacheNudges.close();
            await providers.close();
          },
          onApplicationShutdown: () => stores.close(),
        },
      },
    ],
  };
}
