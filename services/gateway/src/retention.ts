import { ClipmeshError, type GenerationRecord, isFinal } from '@clipmesh/contracts';
import { every, type Periodic } from '@clipmesh/messaging';
import { type ArtifactStore, type Stores } from '@clipmesh/persistence';
import { type createLogger } from '@clipmesh/tracing';
import { filesOfPurchases, filesOf, idAt, isExpired } from './retention.rules.js';

export type Forget = (of: { readonly generationId: string; readonly traceIds: readonly string[] }) => Promise<void>;

export interface RetentionDeps {
  readonly stores: Pick<Stores, 'generations' | 'attempts' | 'cache' | 'idempotency'>;
  readonly artifacts: Pick<ArtifactStore, 'list' | 'removeOld' | 'sweepTemporary'>;
  /** Removes what the broker keeps of a generation; throws a retryable error while some of it is still to be handled. */
  readonly forget: Forget;
  readonly logger: Pick<ReturnType<typeof createLogger>, 'info' | 'warn'>;
  readonly now: () => number;
  /** Ended generations are removed after this, ms. */
  readonly retentionMs: number;
  /** A file that nothing refers to is removed when it is this old, ms: longer than any message can be under way. */
  readonly orphanGraceMs: number;
}

/**
 * Removes everything that belongs to an ended generation but its files, which others may share: they go with the next
 * sweep. The record goes last, so that a removal that was cut off is found and ended by the next sweep. The ledger
 * stays: it holds amounts, no content. Throws a retryable `STORE_UNAVAILABLE` for one that was taken up again meanwhile:
 * should its messages be gone by then, the stall sweeper sends them again.
 */
export async function removeGeneration(
  { stores, forget }: Pick<RetentionDeps, 'stores' | 'forget'>,
  { id, traceId, earlierTraceIds = [], claim }: Pick<GenerationRecord, 'id' | 'traceId' | 'earlierTraceIds' | 'claim'>,
): Promise<void> {
  await refuseRunning(stores.generations, id);
  await forget({ generationId: id, traceIds: [...earlierTraceIds, traceId] });
  await refuseRunning(stores.generations, id);
  await stores.attempts.remove(id);
  // Before the record: whoever finds neither may make a film under the key anew.
  if (claim !== undefined) await stores.idempotency.release(claim, id);
  await stores.generations.remove(id);
}

async function refuseRunning(generations: Pick<Stores['generations'], 'get'>, id: string): Promise<void> {
  const status = (await generations.get(id))?.value.state.status;
  if (status !== undefined && !isFinal(status))
    throw new ClipmeshError('STORE_UNAVAILABLE', `generation ${id} was taken up again: it is ${status}`);
}

/** Removes the generations whose time is over; says how many. One that cannot go yet is left to the next sweep. */
export async function removeExpired(deps: RetentionDeps, signal: AbortSignal): Promise<number> {
  const cutoffMs = deps.now() - deps.retentionMs;
  let removed = 0;
  for await (const record of deps.stores.generations.scan(idAt(cutoffMs))) {
    if (signal.aborted) break;
    if (!isExpired(record, cutoffMs)) continue;
    try {
      await removeGeneration(deps, record);
      removed += 1;
    } catch (error) {
      deps.logger.warn({ err: error, generationId: record.id }, 'an expired generation could not be removed yet');
    }
  }
  return removed;
}

/**
 * Removes old files that nothing refers to; says how many. The old files are listed first and the references read after
 * that: whoever comes to refer to one of them in between has either put its bytes again, which makes it young, or took it
 * from a record, an attempt or the cache, where it is then seen. The removal itself looks at the age once more.
 */
export async function removeOrphans(deps: RetentionDeps, signal: AbortSignal): Promise<number> {
  const { stores, artifacts, now, orphanGraceMs } = deps;
  const candidates = new Set<string>();
  const isOld = (storedAt: number): boolean => now() - storedAt >= orphanGraceMs;
  for await (const { key, storedAt } of artifacts.list()) if (isOld(storedAt)) candidates.add(key);
  if (candidates.size === 0) return 0;
  for (const { value } of await stores.cache.all()) for (const key of filesOfPurchases([value])) candidates.delete(key);
  for await (const record of stores.generations.scan()) {
    if (signal.aborted) return 0;
    for (const key of filesOf(record)) candidates.delete(key);
    // The record of a video that is done names all its files; whatever else was bought on the way may go.
    if (record.state.status !== 'succeeded')
      for (const key of filesOfPurchases((await stores.attempts.list(record.id)).map(({ value }) => value)))
        candidates.delete(key);
  }
  let removed = 0;
  for (const key of candidates) {
    if (signal.aborted) break;
    if (await artifacts.removeOld({ key }, now() - orphanGraceMs)) removed += 1;
  }
  return removed;
}

/** One sweep: what has expired, then what nothing refers to any more. Any number of replicas may sweep at once. */
export async function sweep(deps: RetentionDeps, signal: AbortSignal): Promise<{ generations: number; files: number }> {
  const generations = await removeExpired(deps, signal);
  const files = await removeOrphans(deps, signal);
  const temporary = await deps.artifacts.sweepTemporary(deps.orphanGraceMs);
  if (generations + files + temporary > 0)
    deps.logger.info({ generations, files, temporary }, 'what had expired was removed');
  return { generations, files };
}

/** Sweeps every `intervalMs` until it is stopped. */
export function startRetention(deps: RetentionDeps, intervalMs: number): Periodic {
  return every(intervalMs, (signal) => sweep(deps, signal), {
    failed: (error) => {
      deps.logger.warn({ err: error }, 'the retention sweep failed; it runs again');
    },
  });
}
