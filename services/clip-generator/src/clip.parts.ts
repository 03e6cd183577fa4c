import { type OutcomeTimeouts } from './attempt.rules.js';
import { type Artifact } from '@clipmesh/contracts';
import { type ClipRules, type Media } from '@clipmesh/media';
import { type Clock } from '@clipmesh/messaging';
import {
  type ArtifactStore,
  type AttemptStore,
  type FlightParts,
  type IdempotencyStore,
  type ScopeOf,
  type Scratch,
} from '@clipmesh/persistence';
import { type ClipProvider } from '@clipmesh/providers';
import { type createLogger } from '@clipmesh/tracing';

/** What using a clip again needs. */
export interface ClipCache {
  readonly leases: FlightParts;
  /** Who sells, and where: what one provider made is not another's. */
  readonly provider: string;
  /** Generations of one scope share their clips. Undefined: all generations do. */
  readonly scopeOf: ScopeOf;
}

/** What buying a clip needs. */
export interface ClipDeps {
  readonly provider: ClipProvider;
  readonly purchases: AttemptStore;
  /** Which purchase each prediction belongs to. */
  readonly claims: Pick<IdempotencyStore, 'claim' | 'peek'>;
  readonly artifacts: ArtifactStore;
  /** Whether a stored file is there and has the bytes of its hash. */
  readonly isIntact: (artifact: Artifact) => Promise<boolean>;
  readonly media: Pick<Media, 'verifyClip'>;
  readonly clipRules: Omit<ClipRules, 'durationSeconds'>;
  /** Downloads of one prediction's output until it can be used, and the pauses between them, ms; doubled each time. */
  readonly downloads: { readonly tries: number; readonly firstDelayMs: number; readonly maxDelayMs: number };
  /** Undefined: every clip is bought. */
  readonly cache: ClipCache | undefined;
  readonly logger: Pick<ReturnType<typeof createLogger>, 'info' | 'warn' | 'error'>;
  readonly scratch: Scratch;
  /** Longest wait for one prediction, ms. */
  readonly timeoutMs: number;
  /** Longest call to the language model, ms. */
  readonly planTimeoutMs: number;
  readonly outcomeTimeouts: OutcomeTimeouts;
  readonly clock: Clock;
  /** Whether the generation was canceled before this call began, as the broker knows it. */
  readonly isCanceled: (generationId: string) => Promise<boolean>;
  /** Lets every service know that the generation is canceled. */
  readonly markCanceled: (generationId: string) => Promise<void>;
}
