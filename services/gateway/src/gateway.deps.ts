import { type CostSummaryAnswer, type Cancellations, type EventsStart, type Publish } from '@clipmesh/messaging';
import { GENERATION_ID, type GenerationRecord } from '@clipmesh/contracts';
import { type ArtifactStore, type Stores, type Versioned } from '@clipmesh/persistence';
import { type BudgetRules, type LlmTerms } from '@clipmesh/billing';
import { type createLogger } from '@clipmesh/tracing';
import { type FetchRules } from './media/image.fetch.js';
import { type JobDefaults } from './generations/job.builder.js';
import { notFound, ProblemError } from './http/problems/problem.js';
import { type StreamedEvent, type StreamLimit } from './http/sse.js';
import { type SigningRules } from './webhooks/webhook.signature.js';
import { type UploadCheck } from './media/upload.check.js';

export const GATEWAY_DEPS = Symbol('GATEWAY_DEPS');

/** Dependencies of the controllers. */
export interface GatewayDeps {
  readonly stores: Stores;
  readonly artifacts: ArtifactStore;
  readonly publish: Publish;
  readonly cancellations: Cancellations;
  /** Replays all events of a generation, then follows new ones until the signal aborts. */
  readonly events: (generationId: string, signal: AbortSignal) => AsyncIterable<StreamedEvent>;
  /** Whether every event since `start` is still stored. */
  readonly hasAllEvents: (start: EventsStart) => Promise<boolean>;
  /** Last sequence of the event stream. */
  readonly lastEventSequence: () => Promise<number>;
  /** The performance report of a run that ended at `endedMs`, ms since the epoch. Undefined when its spans are no longer kept. */
  readonly performance: (traceId: string, endedMs: number) => Promise<unknown>;
  /** Requests the cost of a generation from the cost service. Throws on a timeout. */
  readonly cost: (generationId: string) => Promise<CostSummaryAnswer>;
  readonly defaults: JobDefaults;
  /** How the gateway fetches a reference image. */
  readonly imageRules: FetchRules;
  /** How the gateway checks uploaded files. */
  readonly uploads: UploadCheck;
  readonly webhookRules: {
    readonly allowPrivate: boolean;
    /** Maximum number of webhooks per owner. */ readonly perOwner: number;
    readonly signing: SigningRules;
  };
  readonly llm: LlmTerms;
  /** Absent: no spending limit per owner. */
  readonly budget: BudgetRules | undefined;
  readonly sseHeartbeatMs: number;
  readonly streamLimit: StreamLimit;
  readonly logger: ReturnType<typeof createLogger>;
  /** The owner of a bearer token. Undefined when the token is not valid. */
  readonly ownerOf: (authorization: string | undefined) => string | undefined;
}

/** The owner of the request. Throws a 401 without a valid key. */
export function requireOwner({ ownerOf }: Pick<GatewayDeps, 'ownerOf'>, authorization: string | undefined): string {
  const owner = ownerOf(authorization);
  if (owner !== undefined) return owner;
  throw new ProblemError(
    401,
    'UNAUTHORIZED',
    'A valid API key is required',
    'send Authorization: Bearer <key> with one of the configured API_KEYS',
    { headers: { 'WWW-Authenticate': 'Bearer' } },
  );
}

type OwnerDeps = Pick<GatewayDeps, 'ownerOf' | 'stores'>;

/** The caller's generation. Throws a 404 when it does not exist or belongs to another owner. */
export async function findOwned(
  deps: OwnerDeps,
  id: string,
  authorization: string | undefined,
): Promise<GenerationRecord> {
  return (await findOwnedEntry(deps, id, authorization)).value;
}

/** Like {@link findOwned}, with the revision that an update needs. */
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
