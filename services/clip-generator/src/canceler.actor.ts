import { type DomainEvent, type Outgoing } from '@clipmesh/contracts';
import { EventInbox, type HandlerContext } from '@clipmesh/messaging';
import { Controller, Inject } from '@nestjs/common';
import { cancelPurchases } from './clip.cancel.js';
import { type ClipParts } from './clip.parts.js';

export const CANCELER_PARTS = Symbol('CANCELER_PARTS');
export interface CancelerParts extends ClipParts {
  /** Sets the cancel flag, which every service sees. */
  readonly flag: (generationId: string) => Promise<void>;
}

/** Stops the spend of a canceled generation, whichever replica bought, and whether that replica still lives. */
@Controller()
export class CancelerActor {
  constructor(@Inject(CANCELER_PARTS) private readonly parts: CancelerParts) {}

  @EventInbox({ inbox: 'canceler' })
  async receive({ body }: DomainEvent, context: HandlerContext): Promise<readonly Outgoing[]> {
    // Before the purchases are looked at, so that none is made after that: whoever told of the cancel may have died since.
    await this.parts.flag(body.generationId);
    return cancelPurchases(this.parts, body.generationId, context.signal);
  }
}
