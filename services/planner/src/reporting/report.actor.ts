import { type DomainEvent, type Outgoing } from '@clipmesh/contracts';
import { EventInbox, type HandlerContext } from '@clipmesh/messaging';
import { Controller, Inject } from '@nestjs/common';
import { report, REPORT_DEPS, type ReportDeps } from './report.host.js';

/** Reports the performance of every succeeded generation from its trace. */
@Controller()
export class ReportActor {
  constructor(@Inject(REPORT_DEPS) private readonly deps: ReportDeps) {}

  @EventInbox({ inbox: 'reporter', untraced: true })
  async receive({ name, body }: DomainEvent, { tries, signal }: HandlerContext): Promise<readonly Outgoing[]> {
    if (name === 'generation.succeeded') await report(this.deps, body, tries, signal);
    return [];
  }
}
