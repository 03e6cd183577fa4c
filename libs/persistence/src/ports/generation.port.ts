import { type GenerationRecord, type GenerationStatus } from '@clipmesh/contracts';
import { type Versioned } from './versioned.port.js';

export interface GenerationQuery {
  owner?: string;
  status?: GenerationStatus;
  limit: number;
  /** Last id of the previous page, exclusive. */
  after?: string;
}

export interface GenerationStore {
  /** Throws {@link AlreadyExistsError}. */
  create(record: GenerationRecord): Promise<Versioned<GenerationRecord>>;
  get(id: string): Promise<Versioned<GenerationRecord> | undefined>;
  /** Compare-and-set. Throws {@link ConflictError}. */
  save(record: GenerationRecord, revision: string): Promise<Versioned<GenerationRecord>>;
  /** Newest first. */
  list(query: GenerationQuery): Promise<GenerationRecord[]>;
  /** Generations of all owners, newest first, older than `before` (an id, exclusive). Reads in batches on demand. */
  scan(before?: string): AsyncIterable<GenerationRecord>;
  /** Generations of all owners without a final status, unordered. */
  unfinished(): Promise<GenerationRecord[]>;
  /** Idempotent. */
  remove(id: string): Promise<void>;
}
