import { ClipGenerate, type ClipGenerateBody, type Outgoing } from '@clipmesh/contracts';
import { type HandlerContext, Inbox } from '@clipmesh/messaging';
import { Controller, Inject } from '@nestjs/common';
import { clipFailed, clipRetried } from './clip.messages.js';
import { type ClipDeps } from './clip.parts.js';
import { buyClip } from './clip.purchase.js';

export const CLIP_DEPS = Symbol('CLIP_DEPS');

@Controller()
export class ClipGeneratorActor {
  constructor(@Inject(CLIP_DEPS) private readonly deps: ClipDeps) {}

  @Inbox({ inbox: 'clip-generator', message: ClipGenerate, stage: 'clip', failed: clipFailed, retried: clipRetried })
  async receive(body: ClipGenerateBody, context: HandlerContext): Promise<readonly Outgoing[]> {
    return buyClip(this.deps, body, context.signal, context.isLastTry);
  }
}
