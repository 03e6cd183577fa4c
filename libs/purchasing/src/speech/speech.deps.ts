import { type Artifact } from '@clipmesh/contracts';
import { type Media } from '@clipmesh/media';
import { type Clock } from '@clipmesh/messaging';
import { type ArtifactStore, type PurchaseStore, type Scratch } from '@clipmesh/persistence';
import { type SpeechModel, type SpeechRequest } from '@clipmesh/providers';
import { type Log } from '@clipmesh/tracing';
import { type PurchaseCache } from '../cache/purchase.cache.js';
import { type UnknownPurchases } from '../clip/purchase.rules.js';

/** The dependencies for buying a speech. */
export interface SpeechDeps {
  readonly model: SpeechModel;
  readonly purchases: PurchaseStore;
  readonly artifacts: Pick<ArtifactStore, 'put' | 'withFile'>;
  /** Whether a stored file exists and matches its hash. */
  readonly isIntact: (artifact: Artifact) => Promise<boolean>;
  readonly media: Pick<Media, 'verifySpeech'>;
  readonly scratch: Scratch;
  /** Undefined: every speech is bought. */
  readonly cache: PurchaseCache | undefined;
  readonly logger: Pick<Log, 'info' | 'warn'>;
  readonly clock: Clock;
  /** After this long the call of an intent has ended, ms: the time limit of a call, and the time between the intent and the call. */
  readonly callTimeoutMs: number;
  /** What follows a purchase whose outcome its provider cannot say. */
  readonly unknownPurchases: UnknownPurchases;
  /** Whether the broker has a cancel of the generation from before this call. */
  readonly isCanceled: (generationId: string) => Promise<boolean>;
}

/** What a command wants to be spoken. */
export interface SpeechOrder {
  readonly generationId: string;
  readonly scene: number;
  /** Step of the command. */
  readonly attempt: number;
  readonly request: SpeechRequest;
  /** False: neither reads nor fills the cache. Default: true. */
  readonly cache?: boolean;
}
