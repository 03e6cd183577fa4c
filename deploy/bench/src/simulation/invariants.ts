import { type GenerationRecord, isDraft, isFinal, type Plan } from '@clipmesh/contracts';
import { type SimSystem } from './services/sim.services.js';

/** Checks all invariants at the end of a schedule. `approved`: the plans of approved drafts. Returns one sentence for each violated one. */
export async function brokenInvariants(
  { broker, provider, stores, world }: SimSystem,
  records: readonly GenerationRecord[],
  approved: ReadonlyMap<string, Plan>,
): Promise<string[]> {
  const broken: string[] = [];
  if (broker.depth > 0) broken.push(`${broker.depth} messages are left over`);
  // Predictions that still run would be paid for: let them end.
  world.now += 24 * 60 * 60_000;
  const purchases = (await Promise.all(records.map(({ id }) => stores.purchases.list(id)))).flat();
  const owned = purchases.flatMap(({ value }) =>
    value.predictionId === undefined ? [] : [{ ...value, predictionId: value.predictionId }],
  );
  for (const prediction of provider.predictions) {
    const owners = owned.filter(({ predictionId }) => predictionId === prediction.id);
    if (owners.length > 1) broken.push(`${prediction.id} belongs to ${owners.map(({ key }) => key).join(' and ')}`);
    // Before a failed generation is retried or deleted, its purchase may not have been looked for.
    const isLookedFor = records.every(({ state }) => state.status !== 'failed');
    if (owners.length === 0 && isLookedFor && provider.chargeMicros(prediction) > 0)
      broken.push(`${prediction.id} was paid for and belongs to no purchase`);
  }
  for (const { id, state } of records) {
    const { status, scenes, costMicros, incidents } = state;
    for (const { code } of incidents)
      if (code === 'ARTIFACT_MISSING') broken.push(`${id}: a step got another file than that of the step before`);
    if (!isFinal(status)) broken.push(`${id} is ${status} and has stalled`);
    if (status === 'succeeded' && scenes.some((scene) => scene.status !== 'done'))
      broken.push(`${id} succeeded without all its scenes`);
    if (status === 'canceled' && !broker.canceled.has(id))
      broken.push(`${id} is canceled, but no cancel was requested`);
    const plan = approved.get(id);
    if (plan !== undefined && JSON.stringify(state.plan) !== JSON.stringify(plan))
      broken.push(`${id}: the plan has changed since the approval`);
    if (
      status === 'succeeded' &&
      (state.result?.draft === true || scenes.some((scene) => scene.predictionId === undefined))
    )
      broken.push(`${id} succeeded with clips of its draft`);
    const own = owned.filter(({ generationId }) => generationId === id);
    if (isDraft(state) && own.length > 0) broken.push(`${id}: ${own.length} clips were bought for a draft`);
    for (const { index, cached } of scenes) {
      const ids = new Set(own.filter(({ scene }) => scene === index).map(({ predictionId }) => predictionId));
      const paid = provider.predictions.filter((one) => ids.has(one.id) && provider.state(one).status === 'succeeded');
      if (paid.length > 1) broken.push(`${id} scene ${index}: ${paid.length} clips were paid for`);
      if (status === 'succeeded' && paid.length === 0 && !cached)
        broken.push(`${id} scene ${index}: no clip was paid for`);
    }
    // Before a failed generation is retried or deleted, a purchase with an unknown outcome may be missing in the ledger.
    if (status === 'failed') continue;
    const invoice = provider.invoiceMicros(new Set(own.map(({ predictionId }) => predictionId)));
    const ledger = (await stores.ledger.entries(id)).reduce((sum, { amountMicros }) => sum + amountMicros, 0);
    if (ledger !== invoice) broken.push(`${id}: the ledger says ${ledger}, the invoice ${invoice}`);
    if (costMicros !== invoice) broken.push(`${id}: the record says ${costMicros}, the invoice ${invoice}`);
  }
  return broken;
}
