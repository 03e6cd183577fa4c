import { ClipmeshError, type GenerationRecord, isFinal, type Outgoing } from '@clipmesh/contracts';
import { EventInbox, type HandlerContext } from '@clipmesh/messaging';
import { ConflictError, type GenerationStore } from '@clipmesh/persistence';
import { decide, type DirectorEvent } from '@clipmesh/pipeline';
import { ATTR, type createLogger } from '@clipmesh/tracing';
import { Controller, Inject } from '@nestjs/common';
import { trace } from '@opentelemetry/api';
import { type DomainEvent } from '@clipmesh/contracts';

export const DIRECTOR_PARTS = Symbol('DIRECTOR_PARTS');
export interface DirectorParts {
  readonly generations: GenerationStore;
  readonly logger: ReturnType<typeof createLogger>;
}

/** Times one event is decided again because another replica saved first; beyond it the message is redelivered. */
const MAX_CONFLICTS = 20;
const now = (): string => new Date().toISOString();

/** Hosts the director: load, decide, compare-and-set, and only then let the messages out. Any replica can handle any event. */
@Controller()
export class DirectorActor {
  constructor(@Inject(DIRECTOR_PARTS) private readonly parts: DirectorParts) {}

  @EventInbox({ inbox: 'director' })
  async receive(event: DomainEvent, context: HandlerContext): Promise<readonly Outgoing[]> {
    const told: DirectorEvent = { ...event, id: context.messageId, traceparent: context.traceparent };
    for (let conflicts = 0; conflicts < MAX_CONFLICTS; conflicts += 1) {
      const found = await this.parts.generations.get(event.body.generationId);
      if (found === undefined) {
        this.parts.logger.warn(
          { generationId: event.body.generationId, event: event.name },
          'event of an unknown generation dropped',
        );
        return [];
      }
      const { state, outgoing } = decide(found.value.state, told);
      if (state === found.value.state) return outgoing;
      try {
        await this.parts.generations.save({ ...found.value, updatedAt: now(), state }, found.revision);
      } catch (error) {
        if (error instanceof ConflictError) continue;
        throw error;
      }
      this.report(found.value, { ...found.value, state });
      return outgoing;
    }
    throw new ClipmeshError(
      'STORE_UNAVAILABLE',
      `generation ${event.body.generationId} was changed by others ${MAX_CONFLICTS} times in a row`,
    );
  }

  private report({ state: before }: GenerationRecord, { id, state }: GenerationRecord): void {
    const { logger } = this.parts;
    const { fallback } = state;
    if (fallback !== undefined && before.fallback === undefined) {
      trace.getActiveSpan()?.addEvent('clipmesh.fallback', { 'clipmesh.failure.code': fallback.code });
      logger.warn(
        {
          generationId: id,
          reason: fallback.code,
          from: fallback.window,
          to: state.window,
          setbacks: state.setbacks.length,
        },
        'the provider is in trouble: the scenes that are left run one after another',
      );
    }
    if (before.revivals !== state.revivals)
      logger.warn({ generationId: id, revivals: state.revivals, stage: state.stage }, 'lost work was sent again');
    if (before.status === state.status) return;
    if (isFinal(state.status)) trace.getActiveSpan()?.setAttribute(ATTR.final, true);
    const fields = { generationId: id, status: state.status, stage: state.stage, costMicros: state.costMicros };
    if (state.status === 'failed') logger.error({ ...fields, failure: state.failure }, 'generation failed');
    else logger.info(fields, `generation ${state.status}`);
  }
}
