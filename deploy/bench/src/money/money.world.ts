import { SIM_MODELS } from '../sim.models.js';
import {
  CancelRequested,
  type Charge,
  ChargeAdjusted,
  ClipAbandoned,
  type DomainEvent,
  type GenerationRecord,
  type GenerationState,
  isFinal,
  GenerationPlan,
  RetryRequested,
} from '@clipmesh/contracts';
import {
  type BudgetRules,
  committed,
  lineOf,
  netMicros,
  recordCharges,
  reservedFor,
  reserveInAccount,
  sweepAccount,
  sweepUnreserved,
} from '@clipmesh/billing';
import { type Account, type Stores } from '@clipmesh/persistence';
import { initialState, retryGeneration, startGeneration, type StartDeps } from '@clipmesh/pipeline';
import { immortal, Killed, type Life, mortalStores, perform } from './life.js';
import { type Bill, billedClip, counted } from './money.bill.js';

/** How a run of a video ends. */
export type Fate = 'succeeded' | 'failed' | 'canceled';

export const OWNER = 'ann';
export const PERIOD = '2026-01';
const AT = '2026-01-02T03:04:05.678Z';
/** Late enough for every unfinished create to count as dead. */
const LATE_MS = Date.parse('2026-02-01T00:00:00.000Z');
/** Cost of a failed run, micro-dollars. */
const FAILED_MICROS = 3;
const MODEL = 'google/veo-3.1';

/** The budget is too low for a run. */
class Refused extends Error {}

/**
 * Videos whose clips cost the most that they may, around the code that the gateway and the cost service run. `turn` is
 * awaited before each effect and decides the order.
 */
export class MoneyWorld {
  /** Charged by the provider, micro-dollars. */
  chargedMicros = 0;
  private readonly deliveries: Promise<void>[] = [];
  private readonly begun = new Set<string>();
  /** All requested generations. */
  private readonly requested = new Set<string>();
  private predictions = 0;

  constructor(
    private readonly stores: Stores,
    private readonly rules: BudgetRules,
    /** Ends of the runs of a video, in order. Default after the last: `succeeded`. */
    private readonly fatesOf: (id: string) => readonly Fate[],
    private readonly turn: () => Promise<void>,
    /** Lives of the cost service's processes, in order. */
    private readonly lives: () => Life,
    /** Bills of the runs of a video, in order. Default: `table`. */
    private readonly billsOf: (id: string) => readonly Bill[] = () => [],
  ) {}

  /** Requests a video. Resolves with whether it was accepted. A killed gateway gives no answer, which counts as false. */
  async create(id: string, capMicros: number, life: Life): Promise<boolean> {
    this.requested.add(id);
    const job = {
      ...{ prompt: 'A kettle that sings.', durationSeconds: 9, aspectRatio: '9:16' as const, seed: 1, overlays: true },
      ...{ models: [MODEL], window: 1, fallbackAfter: 3, maxCostMicros: capMicros },
    };
    const record: GenerationRecord = {
      ...{ id, owner: OWNER, createdAt: AT, updatedAt: AT, traceId: '0'.repeat(32) },
      ...{ state: initialState(job), account: { period: PERIOD } },
    };
    return this.accepts(() => startGeneration(this.gateway(life), record));
  }

  /** One budget sweep of a gateway. */
  async sweep(life: Life): Promise<void> {
    const { stores, publish } = this.gateway(life);
    const deps = { stores, rules: this.rules, publish };
    await this.accepts(async () => {
      await sweepUnreserved(deps, LATE_MS);
      await sweepAccount(deps, OWNER, PERIOD, LATE_MS);
    });
  }

  /** Waits until everything that was published is handled. */
  async quiet(): Promise<void> {
    for (let at = 0; at < this.deliveries.length; at += 1) await this.deliveries[at];
  }

  /** Runs all sweeps until they find nothing more. */
  async recover(): Promise<void> {
    await this.quiet();
    for (let before = ''; ;) {
      await this.sweep(immortal());
      await this.quiet();
      for (const { id } of await this.stores.generations.unfinished()) if (!this.begun.has(id)) this.begin(id);
      await this.quiet();
      const now = JSON.stringify(await this.stores.accounts.get(OWNER, PERIOD));
      if (now === before) return;
      before = now;
    }
  }

  async account(): Promise<Account> {
    return (await this.stores.accounts.get(OWNER, PERIOD))?.value ?? { owner: OWNER, period: PERIOD, generations: {} };
  }

  /** The wrong sums after a recovery. */
  async broken(): Promise<string[]> {
    const account = await this.account();
    const found: string[] = [];
    let ledgerMicros = 0;
    const empty = { owner: OWNER, period: PERIOD, generations: {} };
    for (const id of this.requested) {
      const line = await lineOf(this.stores.accounts, empty, id);
      if (line === undefined) continue;
      const { open } = line;
      const spentMicros = netMicros(line);
      const sum = (await this.stores.ledger.entries(id)).reduce((total, entry) => total + entry.amountMicros, 0);
      ledgerMicros += sum;
      if (open) found.push(`${id} still has a reservation`);
      if (sum !== spentMicros) found.push(`${id}: the account says ${spentMicros}, the ledger ${sum}`);
    }
    if (ledgerMicros !== this.chargedMicros) found.push(`in the ledger ${ledgerMicros}, charged ${this.chargedMicros}`);
    if (this.chargedMicros > this.rules.limitMicros) found.push(`charged ${this.chargedMicros}: overspent`);
    if (committed(account) !== ledgerMicros)
      found.push(`committed ${committed(account)}, in the ledger ${ledgerMicros}`);
    return found;
  }

  private async accepts(work: () => Promise<unknown>): Promise<boolean> {
    try {
      return (await work()) !== false;
    } catch (error) {
      if (error instanceof Killed || error instanceof Refused) return false;
      throw error;
    }
  }

  private gateway(life: Life): StartDeps & { stores: Stores } {
    const stores = this.mortal(life);
    return {
      stores,
      generations: stores.generations,
      reserve: async (record, run) => {
        const reserved = reservedFor(record, this.rules, { run });
        const decided = reserved && (await reserveInAccount(stores, this.rules, reserved));
        if (decided?.accepted === false) throw new Refused();
      },
      publish: (outgoing) =>
        perform(this.turn, life, () => {
          for (const { definition, body } of outgoing) this.deliver({ name: definition.name, body } as DomainEvent);
          return Promise.resolve();
        }),
    };
  }

  /** The stores of one process. */
  private mortal(life: Life): Stores {
    return mortalStores(this.stores, (work) => perform(this.turn, life, work));
  }

  private deliver(event: DomainEvent | { name: typeof GenerationPlan.name; body: { generationId: string } }): void {
    const { generationId } = event.body;
    if (event.name === GenerationPlan.name) this.begin(generationId);
    else if (event.name === RetryRequested.name) this.deliveries.push(this.retried(generationId, event.body.run));
    else if (event.name === CancelRequested.name) this.deliveries.push(this.end(generationId, 'canceled'));
    else this.deliveries.push(this.record(event));
  }

  private begin(id: string): void {
    if (this.begun.has(id)) return;
    this.begun.add(id);
    this.deliveries.push(this.run(id));
  }

  private async retried(id: string, run: number): Promise<void> {
    const changed = await this.change(id, (state) =>
      state.status === 'failed' && run === state.run + 1 ? { ...state, run, status: 'generating' } : undefined,
    );
    if (changed) await this.run(id);
  }

  /** The cost service: redelivers an event until one process has survived it. */
  private async record(event: DomainEvent): Promise<void> {
    for (;;) {
      const life = this.lives();
      try {
        await recordCharges(this.mortal(life), event);
        return;
      } catch (error) {
        if (!(error instanceof Killed)) throw error;
      }
    }
  }

  /** Changes a state that `isOpen`. Default: one that has not ended, or has failed. False when there is nothing to change. */
  private async change(
    id: string,
    change: (state: GenerationState) => GenerationState | undefined,
    isOpen = ({ status }: GenerationState): boolean => !isFinal(status) || status === 'failed',
  ): Promise<boolean> {
    for (;;) {
      await this.turn();
      const found = await this.stores.generations.get(id);
      if (found === undefined) return false;
      const state = isOpen(found.value.state) ? change(found.value.state) : undefined;
      if (state === undefined) return false;
      await this.turn();
      try {
        await this.stores.generations.save({ ...found.value, state }, found.revision);
        return true;
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && error.code === 'CONFLICT')) throw error;
      }
    }
  }

  /** One run: buys one clip for all that the video may still cost, and ends. */
  private async run(id: string): Promise<void> {
    const found = await this.stores.generations.get(id);
    if (found === undefined) return;
    const { run, job, costMicros } = found.value.state;
    const fate = this.fatesOf(id)[run - 1] ?? 'succeeded';
    const leftMicros = (job.maxCostMicros ?? 0) - costMicros;
    const scene = { index: 0, status: 'generating', attempt: run, modelIndex: 0, cached: false, costMicros } as const;
    const bought = await this.change(id, (state) => ({
      ...state,
      status: 'generating',
      scenes: [{ ...scene, allowanceMicros: job.maxCostMicros ?? 0 }],
    }));
    if (!bought) return;
    const purchase = await this.stores.purchases.create({
      ...{ key: `clip.${run}`, generationId: id, kind: 'clip', status: 'submitted', model: MODEL, scene: 0 },
      ...{ fingerprint: 'f', createdAt: AT, updatedAt: AT },
    });
    if (fate === 'canceled') await this.end(id, fate);
    await this.turn();
    const amountMicros = fate === 'failed' ? Math.min(FAILED_MICROS, leftMicros) : leftMicros;
    const predictionId = `p${(this.predictions += 1)}`;
    const { charge, adjustment, known, billedMicros } = billedClip(
      predictionId,
      amountMicros,
      fate === 'failed' ? 'failed' : 'succeeded',
      this.billsOf(id)[run - 1] ?? 'table',
    );
    const isLate = adjustment !== undefined && known.length === 1;
    this.chargedMicros += billedMicros;
    await this.turn();
    const status = fate === 'succeeded' ? 'finished' : fate;
    const ended = { ...purchase.value, status, charge } as const;
    const saved = await this.stores.purchases.save({ ...ended, ...(isLate ? {} : { adjustment }) }, purchase.revision);
    await this.turn();
    const body = { generationId: id, at: AT, charges: [...known], scene: 0, predictionId };
    this.deliver({ name: ClipAbandoned.name, body });
    if (fate !== 'canceled') await this.end(id, fate, known);
    if (fate === 'failed') this.deliveries.push(this.retryByClient(id));
    if (!isLate) return;
    await this.turn();
    await this.stores.purchases.save({ ...saved.value, adjustment }, saved.revision);
    await this.turn();
    const late = { generationId: id, at: AT, charges: [charge, adjustment], charge: charge.key };
    this.deliver({ name: ChargeAdjusted.name, body: late });
    const count = (state: GenerationState): GenerationState => counted(state, [adjustment]);
    if (fate !== 'canceled') await this.change(id, count, () => true);
  }

  /** Saves the state, then publishes its event, as the director does. */
  private async end(id: string, fate: Fate, charges: readonly Charge[] = []): Promise<void> {
    await this.change(id, (state) => ({
      ...counted(state, charges),
      status: fate,
      scenes: state.scenes.map(({ allowanceMicros, ...scene }) =>
        fate === 'canceled' && allowanceMicros !== undefined ? { ...scene, allowanceMicros } : scene,
      ),
    }));
    await this.turn();
    const body = { generationId: id, at: AT, charges: [] as Charge[] };
    this.deliver({ name: `generation.${fate}`, body } as unknown as DomainEvent);
  }

  /** A client that retries at once after a failure. */
  private async retryByClient(id: string): Promise<void> {
    await this.turn();
    const record = (await this.stores.generations.get(id))?.value;
    if (record?.state.status !== 'failed') return;
    await this.accepts(() => retryGeneration(this.gateway(this.lives()), record, SIM_MODELS, AT));
  }
}
