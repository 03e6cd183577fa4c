import { BedFiles, openMedia } from '@clipmesh/media';
import { type ServiceRuntime } from '@clipmesh/messaging';
import { openArtifactFolder, openScratch } from '@clipmesh/persistence';
import { type DynamicModule, Module } from '@nestjs/common';
import { STITCHER_DEPS, StitcherActor } from './stitcher.actor.js';

@Module({})
class StitcherModule {}

/** The stitcher module. Throws when ffmpeg is missing or lacks a filter. */
export async function stitcherModule({ config, workerId }: ServiceRuntime): Promise<DynamicModule> {
  const scratch = await openScratch(config.tempDir, workerId);
  const media = openMedia(config, scratch.directory);
  await media.check();
  const artifacts = await openArtifactFolder({ directory: config.artifactsDir });
  return {
    module: StitcherModule,
    controllers: [StitcherActor],
    providers: [
      { provide: STITCHER_DEPS, useValue: { media, artifacts, scratch, beds: new BedFiles(scratch.directory) } },
    ],
  };
}
