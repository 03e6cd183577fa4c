import { join } from 'node:path';
import {
  message,
  type Outgoing,
  OverlayApplied,
  OverlayApply,
  type OverlayApplyBody,
  OverlayFailed,
  toFailure,
  WorkRetried,
} from '@clipmesh/contracts';
import { type Media } from '@clipmesh/media';
import { type HandlerContext, Inbox } from '@clipmesh/messaging';
import { type ArtifactStore, type Scratch } from '@clipmesh/persistence';
import { Controller, Inject } from '@nestjs/common';

export const OVERLAY_DEPS = Symbol('OVERLAY_DEPS');
export interface OverlayDeps {
  readonly media: Media;
  readonly artifacts: ArtifactStore;
  readonly scratch: Scratch;
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
      const { overlay, durationSeconds, profile } = body;
      const { thumbnail: figures } = await artifacts.withFile(body.clip, (file) =>
        media.overlay(
          {
            ...{ file, output, thumbnail: picture, durationSeconds, profile },
            ...(overlay === undefined ? {} : { overlay }),
          },
          { signal },
        ),
      );
      const clip = await artifacts.put(output, { contentType: 'video/quicktime' });
      const thumbnail =
        figures === undefined
          ? {}
          : { thumbnail: { ...figures, picture: await artifacts.put(picture, { contentType: 'image/jpeg' }) } };
      return [message(OverlayApplied, { generationId, at: now(), charges: [], scene, attempt, clip, ...thumbnail })];
    });
  }
}
