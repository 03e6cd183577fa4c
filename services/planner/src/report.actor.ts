import { type DomainEvent, type Outgoing } from '@clipmesh/contracts';
import { EventInbox, type HandlerContext } from '@clipmesh/messaging';
import { Controller, Inject } from '@nestjs/common';
import { report, REPORT_PARTS, type ReportParts } from './report.host.js';

/** Says what the trace of every finished generation says. */
@Controller()
export class ReportActor {
  constructor(@Inject(REPORT_PARTS) private readonly parts: ReportParts) {}

  @EventInbox({ inbox: 'reporter', untraced: true })
  async receive({ name, body }: DomainEvent, { attempt, signal }: HandlerContext): Promise<readonly Outgoing[]> {
    if (name === 'generation.succeeded') await report(this.parts, body, attempt, signal);
    return [];
  }
}
