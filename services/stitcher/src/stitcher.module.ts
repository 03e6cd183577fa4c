import { Media } from '@clipmesh/media';
import { type ServiceRuntime } from '@clipmesh/messaging';
import { openArtifactFolder } from '@clipmesh/persistence';
import { type DynamicModule, Module } from '@nestjs/common';
import { StitcherActor, STITCHER_PARTS } from './stitcher.actor.js';

@Module({})
class StitcherModule {}

/** Checks ffmpeg before the first message is taken. */
export async function stitcherModule({ config }: ServiceRuntime): Promise<DynamicModule> {
  const media = new Media({
    threads: config.ffmpegThreads,
    maxProcesses: config.ffmpegProcesses,
    idleTimeoutMs: config.ffmpegIdleTimeoutMs,
    tempDir: config.tempDir,
    preset: config.ffmpegPreset,
    crf: config.ffmpegCrf,
    ...(config.ffmpegPath === undefined ? {} : { ffmpegPath: config.ffmpegPath }),
    ...(config.ffprobePath === undefined ? {} : { ffprobePath: config.ffprobePath }),
    ...(config.overlayFontFile === undefined ? {} : { fontFile: config.overlayFontFile }),
  });
  await media.check();
  const artifacts = await openArtifactFolder({ directory: config.artifactsDir });
  return {
    module: StitcherModule,
    controllers: [StitcherActor],
    providers: [{ provide: STITCHER_PARTS, useValue: { media, artifacts, tempDir: config.tempDir } }],
  };
}
