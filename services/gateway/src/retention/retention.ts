import { ClipmeshError, type GenerationRecord, isFinal } from '@clipmesh/contracts';
import { every, type Periodic } from '@clipmesh/messaging';
import { type ArtifactStore, type Stores } from '@clipmesh/persistence';
import { type Log } from '@clipmesh/tracing';
import { filesOfPurchases, filesOf, idAt, isExpired } from './retention.rules.js';

/** Token of {@link Forget}. */
export const FORGET = Symbol('FORGET');
/** Removes a generation's messages from the broker. Throws a retryable error while some of them are not handled yet. */
export type Forget = (of: { readonly generationId: string; readonly traceIds: readonly string[] }) => Promise<void>;

export interface RetentionDeps {
  readonly stores: Pick<Stores, 'generations' | 'purchases' | 'cache' | 'idempotency'>;
  readonly artifacts: Pick<ArtifactStore, 'list' | 'removeOld' | 'sweepTemporary'>;
  readonly forget: Forget;
  readonly logger: Pick<Log, 'info' | 'warn'>;
  readonly now: () => number;
  /** Retention of ended generations, ms. */
  readonly retentionMs: number;
  /** Minimum age of an unreferenced file to be removed, ms. Longer than any message can be in flight. */
  readonly orphanGraceMs: number;
}

/**
 * Removes an ended generation. Its files stay until the next sweep, because generations may share them. The record is removed
 * last, so that the next sweep finds and completes an interrupted removal. The ledger stays: it contains amounts, no content.
 * Throws a retryable `STORE_UNAVAILABLE` for a generation that was retried meanwhile; if its messages were removed by then, the
 * stall sweeper publishes them again.
 */
export async function removeGeneration(
  { stores, forget }: Pick<RetentionDeps, 'stores' | 'forget'>,
  { id, traceId, earlierTraceIds = [], claim }: Pick<GenerationRecord, 'id' | 'traceId' | 'earlierTraceIds' | 'claim'>,
): Promise<void> {
  await refuseRunning(stores.generations, id);
  await forget({ generationId: id, traceIds: [...earlierTraceIds, traceId] });
  await refuseRunning(stores.generations, id);
  await stores.purchases.remove(id);
  // Before the record: a request that finds neither may use the key for a new generation.
  if (claim !== undefined) await stores.idempotency.release(claim, id);
  await stores.generations.remove(id);
}

async function refuseRunning(generations: Pick<Stores['generations'], 'get'>, id: string): Promise<void> {
  const status = (await generations.get(id))?.value.state.status;
  if (status !== undefined && !isFinal(status))
    throw new ClipmeshError('STORE_UNAVAILABLE', `generation ${id} was retried: it is ${status}`);
}

/** Removes expired generations and returns their number. One that cannot be removed yet is left to the next sweep. */
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
      deps.logger.warn(
        { err: error, generationId: record.id },
        'expired generation not removed; retrying at the next sweep',
      );
    }
  }
  return removed;
}

/**
 * Removes old unreferenced files and returns their number. It lists the old files first and reads the references afterwards. A
 * new reference in between is safe: either the file was stored again, which resets its age, or the reference was copied from a
 * record, a purchase or the cache, which are read. The removal checks the age again.
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
    // The record of a finished video references all its files; other purchases may be removed.
    if (record.state.status !== 'succeeded')
      for (const key of filesOfPurchases((await stores.purchases.list(record.id)).map(({ value }) => value)))
        candidates.delete(key);
  }
  let removed = 0;
  for (const key of candidates) {
    if (signal.aborted) break;
    if (await artifacts.removeOld({ key }, now() - orphanGraceMs)) removed += 1;
  }
  return removed;
}

/** One sweep: expired generations, then unreferenced files. Safe to run at several replicas at once. */
export async function sweep(deps: RetentionDeps, signal: AbortSignal): Promise<{ generations: number; files: number }> {
  const generations = await removeExpired(deps, signal);
  const files = await removeOrphans(deps, signal);
  const temporary = await deps.artifacts.sweepTemporary(deps.orphanGraceMs);
  if (generations + files + temporary > 0) deps.logger.info({ generations, files, temporary }, 'expired data removed');
  return { generations, files };
}

/** Sweeps every `intervalMs`, until stopped. */
export function startRetention(deps: RetentionDeps, intervalMs: number): Periodic {
  return every(intervalMs, (signal) => sweep(deps, signal), {
    onError: (error) => {
      deps.logger.warn({ err: error }, 'retention sweep failed; retrying at the next interval');
    },
  });
}
