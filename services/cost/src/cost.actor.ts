import { type DomainEvent, type Outgoing } from '@clipmesh/contracts';
import { type ChargeStores, recordCharges } from '@clipmesh/billing';
import { EventInbox } from '@clipmesh/messaging';
import { type Log } from '@clipmesh/tracing';
import { Controller, Inject } from '@nestjs/common';

export const COST_DEPS = Symbol('COST_DEPS');
export type CostDeps = ChargeStores & { readonly logger: Log };

/** Records the charges of every event in the ledger and in the account of the owner. */
@Controller()
export class CostActor {
  constructor(@Inject(COST_DEPS) private readonly deps: CostDeps) {}

  @EventInbox({ inbox: 'cost' })
  async receive(event: DomainEvent): Promise<readonly Outgoing[]> {
    const { generationId } = event.body;
    await recordCharges(this.deps, event, ({ key, model, amountMicros }) => {
      this.deps.logger.info({ generationId, charge: key, model, amountMicros }, 'charge recorded');
    });
    return [];
  }
}
