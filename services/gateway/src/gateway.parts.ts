import { type CostSummaryAnswer, type Cancellations, type EventsStart, type Publish } from '@clipmesh/messaging';
import { GENERATION_ID, type GenerationRecord } from '@clipmesh/contracts';
import { type ArtifactStore, type Stores, type Versioned } from '@clipmesh/persistence';
import { type LlmTerms } from '@clipmesh/pipeline';
import { type createLogger } from '@clipmesh/tracing';
import { type BudgetRules } from './budget.js';
import { type FetchRules } from './image.fetch.js';
import { type JobDefaults } from './job.builder.js';
import { notFound, ProblemError } from './problem.js';
import { type StreamedEvent, type StreamLimit } from './sse.js';
import { type SigningRules } from './webhook.signature.js';
import { type UploadCheck } from './upload.check.js';

export const GATEWAY_DEPS = Symbol('GATEWAY_DEPS');

/** What the controllers work with. */
export interface GatewayDeps {
  readonly stores: Stores;
  readonly artifacts: ArtifactStore;
  readonly publish: Publish;
  readonly cancellations: Cancellations;
  /** All events of a generation, then those to come until the signal aborts. */
  readonly events: (generationId: string, signal: AbortSignal) => AsyncIterable<StreamedEvent>;
  /** Whether no event since then, ms since the epoch, was removed. */
  readonly hasAllEvents: (start: EventsStart) => Promise<boolean>;
  /** Last sequence of the stream of events. */
  readonly lastEventSequence: () => Promise<number>;
  /** The report of the trace of a run that ended at `endedMs`, ms since the epoch; undefined when its spans are gone. */
  readonly performance: (traceId: string, endedMs: number) => Promise<unknown>;
  /** Asks the cost service; throws when it does not answer in time. */
  readonly cost: (generationId: string) => Promise<CostSummaryAnswer>;
  readonly defaults: JobDefaults;
  /** How a reference image is fetched. */
  readonly imageRules: FetchRules;
  /** How uploaded files are checked. */
  readonly uploads: UploadCheck;
  readonly webhookRules: {
    readonly allowPrivate: boolean;
    /** Most that an owner may register. */ readonly perOwner: number;
    readonly signing: SigningRules;
  };
  readonly llm: LlmTerms;
  /** Absent: owners may spend without limit. */
  readonly budget: BudgetRules | undefined;
  readonly sseHeartbeatMs: number;
  readonly streamLimit: StreamLimit;
  readonly logger: ReturnType<typeof createLogger>;
  /** The owner that a bearer token stands for; undefined: refused. */
  readonly ownerOf: (authorization: string | undefined) => string | undefined;
}

/** Throws a 401 without a valid key. */
export function requireOwner({ ownerOf }: Pick<GatewayDeps, 'ownerOf'>, authorization: string | undefined): string {
  const owner = ownerOf(authorization);
  if (owner !== undefined) return owner;
  throw new ProblemError(
    401,
    'UNAUTHORIZED',
    'A valid API key is needed',
    'send Authorization: Bearer <key> with one of the configured API_KEYS',
    { headers: { 'WWW-Authenticate': 'Bearer' } },
  );
}

type OwnerDeps = Pick<GatewayDeps, 'ownerOf' | 'stores'>;

/** The caller's generation. Another owner's is answered like one that does not exist: 404. */
export async function findOwned(
  deps: OwnerDeps,
  id: string,
  authorization: string | undefined,
): Promise<GenerationRecord> {
  return (await findOwnedEntry(deps, id, authorization)).value;
}

/** The same with its revision, for a change. */
export async function findOwnedEntry(
  deps: OwnerDeps,
  id: string,
  authorization: string | undefined,
): Promise<Versioned<GenerationRecord>> {
  const owner = requireOwner(deps, authorization);
  const found = GENERATION_ID.test(id) ? await deps.stores.generations.get(id) : undefined;
  if (found?.value.owner !== owner) throw notFound(id);
  return found;
}
