import { type DomainEvent, type Outgoing } from '@clipmesh/contracts';
import { EventInbox } from '@clipmesh/messaging';
import { type AccountStore, type PurchaseStore, type GenerationStore, type LedgerStore } from '@clipmesh/persistence';
import { type createLogger } from '@clipmesh/tracing';
import { Controller, Inject } from '@nestjs/common';
import { keepAccount } from '@clipmesh/billing';

export const COST_DEPS = Symbol('COST_DEPS');
export interface CostDeps {
  readonly ledger: LedgerStore;
  readonly accounts: AccountStore;
  readonly purchases: PurchaseStore;
  readonly generations: GenerationStore;
  readonly logger: ReturnType<typeof createLogger>;
}

/** Events that may release a reservation although they have no charges. */
const RELEASING: ReadonlySet<string> = new Set([
  'clip.abandoned',
  'plan.abandoned',
  'generation.succeeded',
  'generation.failed',
  'generation.canceled',
]);

/** Adds each charge of each event to the ledger once, by charge key, and updates the account of the owner. */
@Controller()
export class CostActor {
  constructor(@Inject(COST_DEPS) private readonly deps: CostDeps) {}

  @EventInbox({ inbox: 'cost' })
  async receive(event: DomainEvent): Promise<readonly Outgoing[]> {
    const { body, name } = event;
    if (body.charges.length === 0 && !RELEASING.has(name)) return [];
    const { generationId, at } = body;
    const owner = (await this.deps.generations.get(generationId))?.value.owner ?? 'unknown';
    for (const charge of body.charges) {
      const isNew = await this.deps.ledger.append({ ...charge, generationId, owner, at });
      if (isNew)
        this.deps.logger.info(
          { generationId, charge: charge.key, model: charge.model, amountMicros: charge.amountMicros },
          'charge recorded',
        );
    }
    await keepAccount(this.deps, event);
    return [];
  }
}
