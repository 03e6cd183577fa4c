import { type DomainEvent, type Outgoing } from '@clipmesh/contracts';
import { EventInbox, type HandlerContext } from '@clipmesh/messaging';
import { Controller, Inject } from '@nestjs/common';
import { cancelPurchases } from './clip.cancel.js';
import { CLIP_PARTS } from './clip-generator.actor.js';
import { type ClipParts } from './clip.parts.js';

/** Stops the spend of a canceled generation, whichever replica bought, and whether that replica still lives. */
@Controller()
export class CancelerActor {
  constructor(@Inject(CLIP_PARTS) private readonly parts: ClipParts) {}

  @EventInbox({ inbox: 'canceler' })
  async receive({ body }: DomainEvent, context: HandlerContext): Promise<readonly Outgoing[]> {
    return cancelPurchases(this.parts, body.generationId, context.signal);
  }
}
