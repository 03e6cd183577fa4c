import { type ClipRequest, type Guarantee, type ProviderSettings } from '../../src/index.js';

/** Why a provider cannot have a case. */
export interface Lacks {
  readonly lacks: string;
}
export const lacks = (why: string): Lacks => ({ lacks: why });

/** How a server treats the predictions of a case. */
export type Play =
  /** They succeed. */
  | 'succeed'
  /** The first one runs until it is canceled. */
  | 'run-on'
  /** They wait in the queue until they are canceled. */
  | 'wait'
  /** The server takes one create; the second one gets a 429 with this time: {@link RETRY_AFTER_MS}. */
  | 'limit'
  /** A content filter refuses the prompt. */
  | 'refuse-input'
  /** A content filter refuses the output. */
  | 'refuse-output'
  /** The service fails. */
  | 'break'
  /** They succeed. Their output expires with {@link Subject.expire}. */
  | 'expire';

export const RETRY_AFTER_MS = 60_000;

/** A prediction as the server counts it. */
export interface Run {
  /** `aborted`: it ended before it started. */
  readonly status: 'starting' | 'processing' | 'succeeded' | 'failed' | 'canceled' | 'aborted';
  /** What the server charges for it. Undefined: it does not say. */
  readonly amountMicros: number | undefined;
}

/** What a provider can do, and what it charges. A case that it cannot have says why, and its suite checks what happens instead. */
export interface Features {
  /** What another process finds when the answer of a create is lost. */
  readonly lostPurchase: 'found' | 'unknowable';
  /** Where a lost answer shows: its create throws, or the run fails. */
  readonly lostAnswer: 'throws' | 'fails-the-run';
  /** What becomes of a prediction whose buyer dies. */
  readonly buyerDies: 'runs-on' | 'is-canceled';
  /** Whether another process can read a prediction that has ended. */
  readonly memory: true | Lacks;
  readonly queue: true | Lacks;
  readonly rateLimit: true | Lacks;
  /** What the provider shows of a prediction whose output has expired: all but its output, or the same as before. */
  readonly expiry: 'output-removed' | 'same' | Lacks;
  /** `clip`: a clip and a refused output cost the price of the clip, a refused input nothing. `computing`: all cost what they ran. */
  readonly charges: 'clip' | 'computing';
  /** A request that the model cannot make. */
  readonly badRequest: Partial<ClipRequest>;
}

/** An adapter and the server that it is tested against. */
export interface Subject {
  /** Our name of the model. */
  readonly model: string;
  readonly guarantee: Guarantee;
  readonly features: Features;
  start(): Promise<void>;
  stop(): Promise<void>;
  /** The origin of the server. */
  origin(): string;
  /** The settings by which an adapter reaches the server at this origin, which may be that of a proxy. */
  settings(origin: string): Partial<ProviderSettings>;
  /** Sets the play, and forgets earlier runs. Resolves with the prompt of the case. */
  play(play: Play): Promise<string>;
  /** Makes the outputs expire. Absent: they cannot. */
  readonly expire?: () => Promise<void>;
  /** The predictions since the last play, oldest first. */
  runs(): Promise<readonly Run[]>;
}
