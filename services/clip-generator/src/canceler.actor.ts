import { type DomainEvent, type Outgoing } from '@clipmesh/contracts';
import { EventInbox, type HandlerContext } from '@clipmesh/messaging';
import { Controller, Inject } from '@nestjs/common';
import { cancelPurchases, type ClipDeps } from '@clipmesh/purchasing';
import { CLIP_DEPS } from './clip-generator.actor.js';

/** Cancels the purchases of a canceled generation, whichever replica made them, even if it is gone. */
@Controller()
export class CancelerActor {
  constructor(@Inject(CLIP_DEPS) private readonly deps: ClipDeps) {}

  @EventInbox({ inbox: 'canceler' })
  async receive({ body }: DomainEvent, context: HandlerContext): Promise<readonly Outgoing[]> {
    return cancelPurchases(this.deps, body.generationId, context.signal);
  }
}
