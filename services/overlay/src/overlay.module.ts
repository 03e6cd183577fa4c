import { openMedia } from '@clipmesh/media';
import { type ServiceRuntime } from '@clipmesh/messaging';
import { openArtifactFolder, openScratch } from '@clipmesh/persistence';
import { type DynamicModule, Module } from '@nestjs/common';
import { OVERLAY_DEPS, OverlayActor } from './overlay.actor.js';

@Module({})
class OverlayModule {}

/** The overlay module. Throws when ffmpeg is missing or lacks a filter. */
export async function overlayModule({ config, workerId, logger }: ServiceRuntime): Promise<DynamicModule> {
  const scratch = await openScratch(config.tempDir, workerId);
  const media = openMedia(config, scratch.directory);
  await media.check();
  const artifacts = await openArtifactFolder({ directory: config.artifactsDir });
  return {
    module: OverlayModule,
    controllers: [OverlayActor],
    providers: [{ provide: OVERLAY_DEPS, useValue: { media, artifacts, scratch, logger } }],
  };
}
