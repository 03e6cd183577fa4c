import { ClipGenerate, type ClipGenerateBody, type Outgoing } from '@clipmesh/contracts';
import { type HandlerContext, Inbox } from '@clipmesh/messaging';
import { Controller, Inject } from '@nestjs/common';
import { buyClip, type ClipDeps, clipFailed, clipRetried } from '@clipmesh/purchasing';

export const CLIP_DEPS = Symbol('CLIP_DEPS');

@Controller()
export class ClipGeneratorActor {
  constructor(@Inject(CLIP_DEPS) private readonly deps: ClipDeps) {}

  @Inbox({ inbox: 'clip-generator', message: ClipGenerate, stage: 'clip', failed: clipFailed, retried: clipRetried })
  async receive(body: ClipGenerateBody, context: HandlerContext): Promise<readonly Outgoing[]> {
    return buyClip(this.deps, body, context.signal, context.isLastTry);
  }
}
