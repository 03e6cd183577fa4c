import { type DomainEvent, type Outgoing } from '@clipmesh/contracts';
import { EventInbox } from '@clipmesh/messaging';
import { type GenerationStore, type LedgerStore } from '@clipmesh/persistence';
import { type createLogger } from '@clipmesh/tracing';
import { Controller, Inject } from '@nestjs/common';

export const COST_PARTS = Symbol('COST_PARTS');
export interface CostParts {
  readonly ledger: LedgerStore;
  readonly generations: GenerationStore;
  readonly logger: ReturnType<typeof createLogger>;
}

/** Books every charge of every event exactly once: the key of what was paid for is the key of the entry. */
@Controller()
export class CostActor {
  constructor(@Inject(COST_PARTS) private readonly parts: CostParts) {}

  @EventInbox({ inbox: 'cost' })
  async receive({ body }: DomainEvent): Promise<readonly Outgoing[]> {
    if (body.charges.length === 0) return [];
    const { generationId, at } = body;
    const owner = (await this.parts.generations.get(generationId))?.value.owner ?? 'unknown';
    for (const charge of body.charges) {
      const booked = await this.parts.ledger.append({ ...charge, generationId, owner, at });
      if (booked)
        this.parts.logger.info(
          { generationId, charge: charge.key, model: charge.model, amountMicros: charge.amountMicros },
          'charge booked',
        );
    }
    return [];
  }
}
