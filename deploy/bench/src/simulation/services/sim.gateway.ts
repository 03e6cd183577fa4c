import {
  CancelRequested,
  DraftEdited,
  GenerationPlan,
  type GenerationRecord,
  isDrafted,
  message,
  messageId,
  type Plan,
  PlanApproved,
  RetryRequested,
} from '@clipmesh/contracts';
import { approveDraft, editDraft, editPlan, initialState, isEditable } from '@clipmesh/pipeline';
import { ConflictError } from '@clipmesh/persistence';
import { SIM_MODELS } from '../../sim.models.js';
import { type Random } from '../random.js';
import { jobOf } from '../simulation.setup.js';
import { type SimSystem } from './sim.services.js';

const TEXTS = ['Cold all day', 'Ready', 'Carry on'] as const;
/** Probability that the gateway dies after it has stored a run and before it publishes the event of the run. */
const LOSS = 0.1;

/** What the gateway does for users. For a draft, it stores the next run, then publishes its event. */
export class SimGateway {
  /** The plan of each generation as it was approved. */
  readonly approved = new Map<string, Plan>();

  constructor(
    private readonly system: Pick<SimSystem, 'broker' | 'stores' | 'world'>,
    private readonly random: Random,
  ) {}

  /** Stores a generation with a random job, and sends its first command. Returns its id. */
  async create(id: string): Promise<string> {
    const job = jobOf(this.random);
    const { at } = this.base(id);
    const times = { createdAt: at, updatedAt: at, traceId: '0'.repeat(32) };
    await this.system.stores.generations.create({ id, owner: 'local', ...times, state: initialState(job) });
    this.system.broker.store(message(GenerationPlan, { generationId: id, attempt: 1, job }));
    return id;
  }

  /** Changes a scene of a draft. Does nothing to any other generation. */
  async edit(id: string): Promise<void> {
    const found = await this.system.stores.generations.get(id);
    const { state } = found?.value ?? {};
    const { plan } = state ?? {};
    if (found === undefined || state === undefined || plan === undefined || !isEditable(state)) return;
    const scene = { index: this.random.below(plan.scenes.length) };
    const overlay = { text: TEXTS[this.random.below(TEXTS.length)] ?? 'Ready' };
    const change = this.random.chance(0.5) ? { overlay } : { description: `take ${this.random.below(3)}` };
    const event = message(DraftEdited, { ...this.base(id), run: state.run + 1 });
    const changed = editPlan(plan, { scenes: [{ ...scene, ...change }] });
    const next = editDraft(state, changed, messageId(DraftEdited, event.body), SIM_MODELS);
    if (await this.save({ ...found.value, state: next }, found.revision))
      if (next.run !== state.run)
        this.publish(() => {
          this.system.broker.store(event);
        });
  }

  /** Approves a draft that waits. Does nothing to any other generation. */
  async approve(id: string): Promise<void> {
    const found = await this.system.stores.generations.get(id);
    if (found === undefined || !isDrafted(found.value.state)) return;
    const state = approveDraft(found.value.state);
    if (!(await this.save({ ...found.value, state }, found.revision)) || state.plan === undefined) return;
    this.approved.set(id, state.plan);
    this.publish(() => {
      this.system.broker.store(message(PlanApproved, this.base(id)));
    });
  }

  retry({ id, state }: GenerationRecord): void {
    this.system.broker.store(message(RetryRequested, { ...this.base(id), run: state.run + 1 }));
  }

  /** The gateway dies before it sets the flag, so the canceler has to set it. */
  cancel(id: string): void {
    this.system.broker.store(message(CancelRequested, { ...this.base(id), reason: 'enough' }));
  }

  private publish(send: () => void): void {
    if (!this.random.chance(LOSS)) send();
  }

  private async save(record: GenerationRecord, revision: string): Promise<boolean> {
    const updatedAt = new Date(this.system.world.now).toISOString();
    try {
      await this.system.stores.generations.save({ ...record, updatedAt }, revision);
      return true;
    } catch (error) {
      if (error instanceof ConflictError) return false;
      throw error;
    }
  }

  private readonly base = (generationId: string) => ({
    generationId,
    at: new Date(this.system.world.now).toISOString(),
    charges: [],
  });
}
