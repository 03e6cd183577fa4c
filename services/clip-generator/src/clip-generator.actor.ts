import { ClipGenerate, type ClipGenerateBody, DRAFT_MODEL, type Outgoing } from '@clipmesh/contracts';
import { type HandlerContext, Inbox } from '@clipmesh/messaging';
import { Controller, Inject } from '@nestjs/common';
import { buyClip, type ClipDeps, clipFailed, clipRetried } from '@clipmesh/purchasing';

import { drawClip, type DraftClipDeps } from './draft.clip.js';

export const CLIP_DEPS = Symbol('CLIP_DEPS');

@Controller()
export class ClipGeneratorActor {
  constructor(@Inject(CLIP_DEPS) private readonly deps: ClipDeps & DraftClipDeps) {}

  @Inbox({ inbox: 'clip-generator', message: ClipGenerate, stage: 'clip', failed: clipFailed, retried: clipRetried })
  async receive(body: ClipGenerateBody, context: HandlerContext): Promise<readonly Outgoing[]> {
    if (body.model === DRAFT_MODEL) return drawClip(this.deps, body, context.signal);
    return buyClip(this.deps, body, context.signal, context.isLastTry);
  }
}
