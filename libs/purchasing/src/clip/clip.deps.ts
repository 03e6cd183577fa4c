import { type OutcomeTimeouts, type UnknownPurchases } from './purchase.rules.js';
import { type ModelTable } from '@clipmesh/billing';
import { type Artifact } from '@clipmesh/contracts';
import { type ClipRules, type Media } from '@clipmesh/media';
import { type Clock } from '@clipmesh/messaging';
import { type ArtifactStore, type IdempotencyStore, type PurchaseStore, type Scratch } from '@clipmesh/persistence';
import { type PurchaseCache } from '../cache/purchase.cache.js';
import { type ClipProviders } from '@clipmesh/providers';
import { type Log } from '@clipmesh/tracing';

/** The dependencies for buying a clip. */
export interface ClipDeps {
  readonly providers: ClipProviders;
  /** The terms of the video models. */
  readonly models: ModelTable;
  readonly purchases: PurchaseStore;
  /** Assigns each prediction to one purchase. */
  readonly claims: Pick<IdempotencyStore, 'claim' | 'peek'>;
  readonly artifacts: ArtifactStore;
  /** Whether a stored file exists and matches its hash. */
  readonly isIntact: (artifact: Artifact) => Promise<boolean>;
  readonly media: Pick<Media, 'verifyClip'>;
  readonly clipRules: Omit<ClipRules, 'durationSeconds'>;
  /** Maximum downloads of one prediction's output, and the pauses between them, ms; doubled each time. */
  readonly downloads: { readonly tries: number; readonly firstDelayMs: number; readonly maxDelayMs: number };
  /** Undefined: every clip is bought. */
  readonly cache: PurchaseCache | undefined;
  readonly logger: Log;
  readonly scratch: Scratch;
  /** Maximum wait for one prediction, ms. */
  readonly timeoutMs: number;
  /** Timeout of a call to the language model, ms. */
  readonly planTimeoutMs: number;
  /** Timeout of a call for speech, ms. */
  readonly speechTimeoutMs: number;
  readonly outcomeTimeouts: OutcomeTimeouts;
  /** What follows a purchase whose outcome its provider cannot say. */
  readonly unknownPurchases: UnknownPurchases;
  readonly clock: Clock;
  /** Whether the broker has a cancel of the generation from before this call. */
  readonly isCanceled: (generationId: string) => Promise<boolean>;
  /** Notifies every service that the generation is canceled. */
  readonly markCanceled: (generationId: string) => Promise<void>;
}
