import { type CreateGeneration, type GenerationRecord, type GenerationState, type Job } from '@clipmesh/contracts';
import { periodOf } from '@clipmesh/billing';
import { type Publish } from '@clipmesh/messaging';
import { type Stores } from '@clipmesh/persistence';
import { initialState, startGeneration } from '@clipmesh/pipeline';
import { ATTR, currentTraceparent, spanContextOf } from '@clipmesh/tracing';
import { trace } from '@opentelemetry/api';
import { v7 as uuidv7 } from 'uuid';
import { claimKey, claimOf, fingerprintOf, legacyFingerprintOf, resolveClaim } from '../http/idempotency.js';
import { ProblemError } from '../http/problems/problem.js';
import { type PublicRules } from '../http/public.request.js';
import { checkWebhookUrl } from '../http/webhook.url.js';
import { buildJob, type JobDefaults } from '../jobs/job.builder.js';
import { checkFiles, type FileDeps, storeFiles } from '../jobs/job.files.js';
import { type Logger } from '../runtime/runtime.tokens.js';
import { publishStart, startDeps } from './generation.start.js';
import { checkCost, type CostDeps } from './run.cost.js';

export interface CreateDeps extends CostDeps {
  readonly stores: Stores;
  readonly publish: Publish;
  readonly logger: Logger;
  readonly defaults: JobDefaults;
  readonly files: FileDeps;
  readonly webhookRules: Pick<PublicRules, 'allowPrivate'>;
  /** Last sequence of the event stream. */
  readonly lastEventSequence: () => Promise<number>;
}

interface Caller {
  readonly owner: string;
  /** The `Idempotency-Key`. Default: none. */
  readonly key: string | undefined;
}

export interface Created {
  readonly id: string;
  /** False: the key was used before, and this is its generation. */
  readonly isNew: boolean;
  /** The stored state. Undefined when another request has stored it. */
  readonly state: GenerationState | undefined;
}

/** Creates generations. */
export class GenerationCreator {
  constructor(private readonly deps: CreateDeps) {}

  /** Creates and starts a generation, at most once per key. Throws a problem when the request is rejected. */
  async create(request: CreateGeneration, { owner, key }: Caller): Promise<Created> {
    if (request.webhookUrl !== undefined) checkWebhookUrl(request.webhookUrl, 'webhookUrl', this.deps.webhookRules);
    const newId = `gen_${uuidv7().replaceAll('-', '')}`;
    const claim = key === undefined ? undefined : claimOf(owner, key);
    const { id, isNew } = claim === undefined ? { id: newId, isNew: true } : await this.claim(claim, request, newId);
    if (!isNew) return { id, isNew, state: undefined };
    const state = await this.jobOf(request, owner)
      .then((job) => this.start(id, owner, job, claim, request.webhookUrl))
      .catch(this.releaseClaim(claim, id));
    return { id, isNew, state };
  }

  /** Releases the key of a rejected request, so that the client can send the same request again later. */
  private releaseClaim(claim: string | undefined, id: string): (error: unknown) => Promise<never> {
    return async (error) => {
      const { idempotency, generations } = this.deps.stores;
      const isRefused = error instanceof ProblemError && error.status < 500;
      if (isRefused && claim !== undefined && (await generations.get(id)) === undefined)
        await idempotency.release(claim, id);
      throw error;
    };
  }

  /** The generation id of the key, and whether this request has to create it. */
  private async claim(key: string, request: CreateGeneration, newId: string): Promise<{ id: string; isNew: boolean }> {
    const { stores, defaults } = this.deps;
    // Check before claiming: a rejected request must not use up the key.
    const job = buildJob(request, defaults);
    checkCost(this.deps, { ...job, referenceImage: request.referenceImage }, 0);
    checkFiles(request);
    const fingerprint = fingerprintOf(request);
    const claim = await claimKey(stores, key, fingerprint, newId);
    const fingerprints = [fingerprint, legacyFingerprintOf(request)];
    return { id: claim.generationId, isNew: resolveClaim(claim, { fingerprints, atMs: Date.now() }) };
  }

  private async jobOf(request: CreateGeneration, owner: string): Promise<Job> {
    const { defaults, budget, files } = this.deps;
    const built = buildJob(request, defaults);
    const { highMicros, llm } = checkCost(this.deps, { ...built, referenceImage: request.referenceImage }, 0);
    // With an owner budget, every generation has a cap: the reservation is its maximum cost.
    const checked =
      budget === undefined
        ? built
        : {
            ...built,
            maxCostMicros: built.maxCostMicros ?? highMicros,
            ...(built.draft === true ? { planMaxMicros: llm.highMicros } : {}),
          };
    return { ...checked, ...(await storeFiles(files, request, owner)) };
  }

  /** The stored state. Undefined when another request with the same id has stored it. */
  private async start(
    id: string,
    owner: string,
    job: Job,
    claim: string | undefined,
    webhookUrl: string | undefined,
  ): Promise<GenerationState | undefined> {
    const { stores, logger, budget, lastEventSequence } = this.deps;
    trace.getActiveSpan()?.setAttribute(ATTR.generationId, id);
    const at = new Date().toISOString();
    const traceparent = currentTraceparent();
    // Optional: without it, the event stream only replays more than necessary.
    const eventsAfter = await lastEventSequence().catch(() => undefined);
    const record: GenerationRecord = {
      id,
      owner,
      createdAt: at,
      updatedAt: at,
      ...(eventsAfter === undefined ? {} : { eventsAfter }),
      traceId: spanContextOf(traceparent)?.traceId ?? '',
      ...(traceparent === undefined ? {} : { traceparent }),
      state: initialState(job),
      ...(budget === undefined ? {} : { account: { period: periodOf(budget.period, new Date(at)) } }),
      ...(claim === undefined ? {} : { claim }),
      ...(webhookUrl === undefined ? {} : { webhookUrl }),
    };
    const publish: Publish = (outgoing) => publishStart(this.deps, outgoing, id);
    if (!(await startGeneration(startDeps({ stores, budget }, publish), record))) return undefined;
    logger.info(
      { generationId: id, owner, durationSeconds: job.durationSeconds, window: job.window },
      'generation accepted',
    );
    return record.state;
  }
}
