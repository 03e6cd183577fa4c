import { type DomainEvent, type Outgoing } from '@clipmesh/contracts';
import { EventInbox, type HandlerContext } from '@clipmesh/messaging';
import { Controller, Inject } from '@nestjs/common';
import { direct, type DirectorParts } from './director.host.js';

export const DIRECTOR_PARTS = Symbol('DIRECTOR_PARTS');

/** The director's inbox: every event of every generation. */
@Controller()
export class DirectorActor {
  constructor(@Inject(DIRECTOR_PARTS) private readonly parts: DirectorParts) {}

  @EventInbox({ inbox: 'director' })
  async receive(event: DomainEvent, { messageId: id, traceparent }: HandlerContext): Promise<readonly Outgoing[]> {
    return direct(this.parts, { ...event, id, traceparent });
  }
}
