import { join } from 'node:path';
import {
  type Artifact,
  type Blended,
  message,
  type Outgoing,
  OverlayApplied,
  OverlayApply,
  type OverlayApplyBody,
  OverlayFailed,
  sideBySide,
  toFailure,
  WorkRetried,
} from '@clipmesh/contracts';
import { type Media } from '@clipmesh/media';
import { type HandlerContext, Inbox } from '@clipmesh/messaging';
import { type ArtifactStore, type Scratch } from '@clipmesh/persistence';
import { type Log } from '@clipmesh/tracing';
import { Controller, Inject } from '@nestjs/common';

export const OVERLAY_DEPS = Symbol('OVERLAY_DEPS');
export interface OverlayDeps {
  readonly media: Media;
  readonly artifacts: ArtifactStore;
  readonly scratch: Scratch;
  readonly logger: Pick<Log, 'warn'>;
}

const now = (): string => new Date().toISOString();
const failureBody = (body: OverlayApplyBody, error: unknown) => ({
  generationId: body.generationId,
  at: now(),
  charges: [],
  failure: toFailure(error, { stage: 'overlay', scene: body.scene }),
});

/** Normalises a clip, draws its text and encodes it. The stitcher does not encode the pixels again. */
@Controller()
export class OverlayActor {
  constructor(@Inject(OVERLAY_DEPS) private readonly deps: OverlayDeps) {}

  @Inbox({
    inbox: 'overlay',
    message: OverlayApply,
    stage: 'overlay',
    failed: (body: OverlayApplyBody, { error }: { error: unknown }): Outgoing[] => [
      message(OverlayFailed, { ...failureBody(body, error), scene: body.scene, attempt: body.attempt }),
    ],
    retried: (body: OverlayApplyBody, { error, ...retry }): Outgoing[] => [
      message(WorkRetried, { ...failureBody(body, error), ...retry }),
    ],
  })
  async receive(body: OverlayApplyBody, { signal }: HandlerContext): Promise<readonly Outgoing[]> {
    const { media, artifacts, scratch } = this.deps;
    const { generationId, scene, attempt } = body;
    return scratch.withFolder(async (directory) => {
      const output = join(directory, 'scene.mov');
      const picture = join(directory, 'thumbnail.jpg');
      const { overlay, durationSeconds, profile, leadFrames, handleFrames } = body;
      const { thumbnail: figures, warnings } = await artifacts.withFile(body.clip, (file) =>
        media.overlay(
          {
            ...{ file, output, thumbnail: picture, durationSeconds, profile },
            ...(overlay === undefined ? {} : { overlay }),
            ...(leadFrames === undefined ? {} : { leadFrames }),
            ...(handleFrames === undefined ? {} : { handleFrames }),
          },
          { signal },
        ),
      );
      const clip = await artifacts.put(output, { contentType: 'video/quicktime' });
      const thumbnail =
        figures === undefined
          ? {}
          : { thumbnail: { ...figures, picture: await artifacts.put(picture, { contentType: 'image/jpeg' }) } };
      const blends = await this.blends(body, output, clip, directory, signal);
      return [
        message(OverlayApplied, {
          ...{ generationId, at: now(), charges: [], scene, attempt, clip },
          ...thumbnail,
          ...(warnings.length === 0 ? {} : { warnings: [...warnings] }),
          ...(handleFrames === undefined ? {} : { handleFrames }),
          ...(blends.length === 0 ? {} : { blends }),
        }),
      ];
    });
  }

  /** The transitions to the neighbours that are ready. One that cannot be made here is left to the stitcher. */
  private async blends(
    { generationId, scene, blends = [], profile, durationSeconds }: OverlayApplyBody,
    file: string,
    clip: Artifact,
    directory: string,
    signal: AbortSignal,
  ): Promise<{ scene: number; blend: Blended }[]> {
    const { media, artifacts, logger } = this.deps;
    const make = blends.map(({ scene: index, kind, neighbour, earlierSeconds }) => async (signal: AbortSignal) => {
      const output = join(directory, `transition-${index}.mov`);
      const isLater = index === scene;
      try {
        await artifacts.withFile(neighbour, (other) =>
          media.blend(
            {
              ...{ kind, profile, output },
              from: isLater ? { file: other, durationSeconds: earlierSeconds } : { file, durationSeconds },
              to: { file: isLater ? file : other },
            },
            'overlay',
            { signal },
          ),
        );
        const stored = await artifacts.put(output, { contentType: 'video/quicktime' });
        const [from, to] = isLater ? [neighbour.key, clip.key] : [clip.key, neighbour.key];
        return [{ scene: index, blend: { kind, clip: stored, from, to } }];
      } catch (error) {
        signal.throwIfAborted();
        logger.warn({ generationId, scene, transition: index, err: error }, 'a transition could not be made yet');
        return [];
      }
    });
    return (await sideBySide(signal, make)).flat();
  }
}
