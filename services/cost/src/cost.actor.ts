import { type DomainEvent, type Outgoing } from '@clipmesh/contracts';
import { EventInbox } from '@clipmesh/messaging';
import { type AccountStore, type PurchaseStore, type GenerationStore, type LedgerStore } from '@clipmesh/persistence';
import { type createLogger } from '@clipmesh/tracing';
import { Controller, Inject } from '@nestjs/common';
import { keepAccount } from './account.js';

export const COST_PARTS = Symbol('COST_PARTS');
export interface CostDeps {
  readonly ledger: LedgerStore;
  readonly accounts: AccountStore;
  readonly purchases: PurchaseStore;
  readonly generations: GenerationStore;
  readonly logger: ReturnType<typeof createLogger>;
}

/** After these less may be spent than before, although they charge nothing. */
const FREEING: ReadonlySet<string> = new Set([
  'clip.abandoned',
  'plan.abandoned',
  'generation.succeeded',
  'generation.failed',
  'generation.canceled',
]);

/** Books every charge of every event exactly once: the key of what was paid for is the key of the entry. */
@Controller()
export class CostActor {
  constructor(@Inject(COST_PARTS) private readonly parts: CostDeps) {}

  @EventInbox({ inbox: 'cost' })
  async receive(event: DomainEvent): Promise<readonly Outgoing[]> {
    const { body, name } = event;
    if (body.charges.length === 0 && !FREEING.has(name)) return [];
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
    await keepAccount(this.parts, event);
    return [];
  }
}
