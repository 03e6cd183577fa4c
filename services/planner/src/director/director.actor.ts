import { type DomainEvent, type Outgoing } from '@clipmesh/contracts';
import { type Clock, EventInbox, type HandlerContext } from '@clipmesh/messaging';
import { direct, type DirectedGenerations } from '@clipmesh/pipeline';
import { spanContextOf } from '@clipmesh/tracing';
import { Controller, Inject } from '@nestjs/common';
import { type ModelTable } from '@clipmesh/billing';
import { type DirectorLogger, logChange } from './director.log.js';

export const DIRECTOR_DEPS = Symbol('DIRECTOR_DEPS');
export interface DirectorDeps {
  readonly generations: DirectedGenerations;
  readonly models: ModelTable;
  readonly logger: DirectorLogger;
  readonly clock: Clock;
}

/** The director's inbox. Receives every event of every generation. */
@Controller()
export class DirectorActor {
  constructor(@Inject(DIRECTOR_DEPS) private readonly deps: DirectorDeps) {}

  @EventInbox({ inbox: 'director' })
  async receive(
    event: DomainEvent,
    { messageId: id, traceparent }: Pick<HandlerContext, 'messageId' | 'traceparent'>,
  ): Promise<readonly Outgoing[]> {
    const { generations, models, logger, clock } = this.deps;
    const traceId = spanContextOf(traceparent)?.traceId;
    const directed = await direct(generations, { ...event, id, traceparent, traceId }, models, () => clock.now());
    if (directed === undefined) {
      logger.warn(
        { generationId: event.body.generationId, event: event.name },
        'event of an unknown generation dropped',
      );
      return [];
    }
    if (directed.change !== undefined) logChange(logger, directed.change);
    return directed.outgoing;
  }
}
