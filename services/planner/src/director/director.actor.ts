import { type DomainEvent, type Outgoing } from '@clipmesh/contracts';
import { EventInbox, type HandlerContext } from '@clipmesh/messaging';
import { Controller, Inject } from '@nestjs/common';
import { direct, type DirectorDeps } from './director.host.js';

export const DIRECTOR_DEPS = Symbol('DIRECTOR_DEPS');

/** The director's inbox. Receives every event of every generation. */
@Controller()
export class DirectorActor {
  constructor(@Inject(DIRECTOR_DEPS) private readonly deps: DirectorDeps) {}

  @EventInbox({ inbox: 'director' })
  async receive(event: DomainEvent, { messageId: id, traceparent }: HandlerContext): Promise<readonly Outgoing[]> {
    return direct(this.deps, { ...event, id, traceparent });
  }
}
