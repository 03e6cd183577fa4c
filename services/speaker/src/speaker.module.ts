import { speechServer } from '@clipmesh/config';
import { openEspeak, openMedia } from '@clipmesh/media';
import { openCacheNudges, type ServiceRuntime, systemClock } from '@clipmesh/messaging';
import { isIntact, openArtifactFolder, openScratch, openStores } from '@clipmesh/persistence';
import { openSpeech } from '@clipmesh/providers';
import { openPurchaseCache } from '@clipmesh/purchasing';
import { type DynamicModule, Module } from '@nestjs/common';
import { type SpeakDeps } from './scene.speech.js';
import { SPEAKER_DEPS, SpeakerActor } from './speaker.actor.js';

const CLOSING = Symbol('CLOSING');

@Module({})
class SpeakerModule {}

/** The speaker module. Throws without ffmpeg, and when SPEECH_PROVIDER names a provider that is not there. */
export async function speakerModule(runtime: ServiceRuntime): Promise<DynamicModule> {
  const { config, logger, connection, cancellations, workerId } = runtime;
  const scratch = await openScratch(config.tempDir, workerId);
  const media = openMedia(config, scratch.directory);
  await media.check();
  const { speechBaseUrl, speechApiKey, openaiBaseUrl, openaiApiKey } = config;
  const server = speechServer({
    SPEECH_BASE_URL: speechBaseUrl,
    SPEECH_API_KEY: speechApiKey,
    OPENAI_BASE_URL: openaiBaseUrl,
    OPENAI_API_KEY: openaiApiKey,
  });
  const speech = await openSpeech(config, { server, synthesizer: openEspeak(config), log: logger });
  const stores = await openStores({ connection, config });
  const artifacts = await openArtifactFolder({ directory: config.artifactsDir });
  const cacheNudges = openCacheNudges(connection);
  const deps: SpeakDeps = {
    speech,
    purchase: {
      purchases: stores.purchases,
      artifacts,
      // Renewed first, so that no sweep removes the file before the generation's record references it.
      isIntact: async (artifact) => (await artifacts.renew(artifact)) && isIntact(artifacts, artifact),
      media,
      scratch,
      cache: openPurchaseCache(config, { stores, nudges: cacheNudges, logger }),
      logger,
      clock: systemClock,
      // Between its intent and its call the broker is asked, which may take as long as a call.
      callTimeoutMs: config.speechTimeoutMs + config.providerCallTimeoutMs,
      unknownPurchases: config.unknownPurchases,
      isCanceled: (generationId) => cancellations.check(generationId),
    },
  };
  return {
    module: SpeakerModule,
    controllers: [SpeakerActor],
    providers: [
      { provide: SPEAKER_DEPS, useValue: deps },
      {
        provide: CLOSING,
        useValue: {
          onModuleDestroy: () => {
            cacheNudges.close();
          },
          onApplicationShutdown: () => stores.close(),
        },
      },
    ],
  };
}
