import { ClipGenerate, type ClipGenerateBody, type Outgoing } from '@clipmesh/contracts';
import { type HandlerContext, Inbox } from '@clipmesh/messaging';
import { Controller, Inject } from '@nestjs/common';
import { clipFailed, clipRetried } from './clip.messages.js';
import { type ClipParts } from './clip.parts.js';
import { buyClip } from './clip.purchase.js';

export const CLIP_PARTS = Symbol('CLIP_PARTS');

@Controller()
export class ClipGeneratorActor {
  constructor(@Inject(CLIP_PARTS) private readonly parts: ClipParts) {}

  @Inbox({ inbox: 'clip-generator', message: ClipGenerate, stage: 'clip', failed: clipFailed, retried: clipRetried })
  async receive(body: ClipGenerateBody, context: HandlerContext): Promise<readonly Outgoing[]> {
    return buyClip(this.parts, body, context.signal, context.givesUp);
  }
}
