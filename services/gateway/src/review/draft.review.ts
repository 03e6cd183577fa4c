import {
  ConflictError,
  DraftEdited,
  type GenerationRecord,
  type GenerationState,
  isDraft,
  isDrafted,
  message,
  messageId,
  type Outgoing,
  type Plan,
  PlanApproved,
  retryOnConflict,
} from '@clipmesh/contracts';
import { type BudgetRules, estimateScene, type ModelTable } from '@clipmesh/billing';
import { type Publish } from '@clipmesh/messaging';
import { type Stores } from '@clipmesh/persistence';
import { approveDraft, editDraft, isUnstarted } from '@clipmesh/pipeline';
import { refuseLowCap } from '../billing/budget.problems.js';
import { publishStart } from '../generations/generation.start.js';
import { type OwnedGenerations } from '../generations/owned.generations.js';
import { startRun, withTrace } from '../generations/run.start.js';
import { type Logger } from '../runtime/runtime.tokens.js';
import { notReviewed } from './review.problems.js';

export interface DraftReviewDeps {
  readonly owned: OwnedGenerations;
  readonly stores: Pick<Stores, 'accounts' | 'generations'>;
  readonly publish: Publish;
  readonly budget: BudgetRules | undefined;
  readonly models: ModelTable;
  readonly logger: Pick<Logger, 'warn'>;
}

/**
 * Approves a draft: reserves the cost of its clips, and starts the run that buys them. A repeated approval changes nothing. Throws
 * a 402 when a cap or the budget is too low, and a 409 when no draft waits.
 */
export async function startApproved(deps: DraftReviewDeps, id: string, owner: string): Promise<GenerationState> {
  const { owned, models, publish, logger } = deps;
  const state = await retryOnConflict(`generation ${id}`, async () => {
    const found = await owned.findEntry(id, owner);
    const { state: before } = found.value;
    if (before.approved === true) return before;
    if (!isDrafted(before) || before.plan === undefined) throw notReviewed(before);
    refuseLowCap(before.costMicros + lowestClips(models, before, before.plan), before.job.maxCostMicros);
    const record = { ...withTrace(found.value), updatedAt: new Date().toISOString(), state: approveDraft(before) };
    if (!(await startRun(deps, found, record))) throw new ConflictError(`generation ${id} has changed`);
    return record.state;
  });
  // A repeated request publishes again: the first one may have crashed before it published.
  if (isUnstarted(state)) {
    const event = message(PlanApproved, { generationId: id, at: new Date().toISOString(), charges: [] });
    await publishStart({ publish, logger }, [event], id);
  }
  return state;
}

/** The lowest price of the clips of a plan, micro-dollars. */
export const lowestClips = (models: ModelTable, { job }: GenerationState, { scenes }: Plan): number =>
  scenes.reduce((sum, { durationSeconds }) => sum + estimateScene(models, job, durationSeconds).lowMicros, 0);

/** The record with a changed plan. For a draft that has to be made again, it has the next run, and `event` starts it. */
export function withPlan(
  record: GenerationRecord,
  plan: Plan,
  models: ModelTable,
): { readonly record: GenerationRecord; readonly event?: Outgoing } {
  const { id, state } = record;
  if (!isDraft(state)) return { record: { ...record, state: { ...state, plan } } };
  const at = new Date().toISOString();
  const event = message(DraftEdited, { generationId: id, at, charges: [], run: state.run + 1 });
  const next = editDraft(state, plan, messageId(DraftEdited, event.body), models);
  if (next.run === state.run) return { record: { ...record, state: next } };
  return { record: { ...withTrace(record), state: next }, event };
}
