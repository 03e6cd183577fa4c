import { type Clock } from '@clipmesh/messaging';
import { type ArtifactStore, type AttemptStore, type Scratch } from '@clipmesh/persistence';
import { type ClipProvider } from '@clipmesh/providers';
import { type createLogger } from '@clipmesh/tracing';
import { type Doubt } from './attempt.rules.js';

/** What buying a clip needs. */
export interface ClipParts {
  readonly provider: ClipProvider;
  readonly attempts: AttemptStore;
  readonly artifacts: ArtifactStore;
  readonly logger: Pick<ReturnType<typeof createLogger>, 'info' | 'warn' | 'error'>;
  readonly scratch: Scratch;
  /** Longest wait for one prediction, ms. */
  readonly timeoutMs: number;
  /** Longest call to the language model, ms. */
  readonly planTimeoutMs: number;
  readonly doubt: Doubt;
  readonly clock: Clock;
  /** Whether the generation was canceled before this call began, as the broker knows it. */
  readonly isCanceled: (generationId: string) => Promise<boolean>;
}
