import { type Charge } from '@clipmesh/contracts';
import { z } from 'zod';
import { type Guarantee } from '../ports.js';

/** Everything that a request for speech may name. Absent fields are the provider's choice. */
export const speechRequestSchema = z.object({
  /** At most 4096 Unicode characters, with at least one letter or digit. */
  text: z.string().min(1),
  /** In the provider's spelling. */
  voice: z.string().min(1).max(200).optional(),
  /** 1 is normal. A provider that cannot speak so slowly or fast takes its nearest speed. */
  speed: z.number().min(0.25).max(4).optional(),
  /** BCP 47. Providers that take no language read it from the text. */
  language: z.string().min(2).max(35).optional(),
});
export type SpeechRequest = Readonly<z.output<typeof speechRequestSchema>>;

/** A spoken word, seconds from the start of the audio. */
const wordTimingSchema = z.object({
  word: z.string(),
  startSeconds: z.number().nonnegative(),
  endSeconds: z.number().nonnegative(),
});
export type WordTiming = Readonly<z.output<typeof wordTimingSchema>>;

/** Tokens that the provider billed. */
const speechTokensSchema = z.object({ input: z.number().nonnegative(), output: z.number().nonnegative() });
export type SpeechTokens = Readonly<z.output<typeof speechTokensSchema>>;

/** What is stored of a speech beside its file. */
export const spokenAnswerSchema = z.object({
  /** Measured. Absent: the file is not verified yet. */
  durationSeconds: z.number().positive().optional(),
  words: z.array(wordTimingSchema).readonly().optional(),
  tokens: speechTokensSchema.optional(),
});
export type SpokenAnswer = Readonly<z.output<typeof spokenAnswerSchema>>;

/** A file with speech, as the provider sent it. The caller verifies it and measures its duration. */
export interface SpokenFile {
  readonly bytes: number;
  /** By the first bytes of the file. */
  readonly contentType: string;
  /** When each word is spoken. Absent when the provider does not say. */
  readonly words?: readonly WordTiming[];
  /** Absent when the provider does not say. */
  readonly tokens?: SpeechTokens;
}

/** One call. */
export interface SpeechCall {
  /** Unique to the purchase. Sent along, so that the provider's support can find the call. */
  readonly key: string;
  /** The file to write. None is left after an error. */
  readonly file: string;
  readonly signal: AbortSignal;
  /** Awaited right before the call is sent. Its error is rethrown, and nothing is sent. */
  readonly beforeSend?: () => Promise<void>;
}

/** The price of a speech. */
export interface SpeechQuote {
  /** The price that applies: `character`, `minute`, `token` or `free`. */
  readonly sku: string;
  /** The most that it should cost, micro-dollars. Exact for a price per character. */
  readonly micros: number;
}

/** What is known of a speech when it is charged. */
export interface SpokenWork {
  /** Of the purchase. */
  readonly key: string;
  readonly request: SpeechRequest;
  /** Measured. Undefined: no usable audio; a price by duration is then charged at its maximum. */
  readonly seconds?: number | undefined;
  readonly tokens?: SpeechTokens | undefined;
  readonly outcome: Charge['outcome'];
}

/** A provider that speaks a text. No method retries a call. */
export interface SpeechModel {
  /** The provider in charges and purchases. */
  readonly name: string;
  readonly model: string;
  /**
   * What the provider guarantees for a call whose answer was lost. `free`: nothing is paid, and the same request gives the same
   * audio, so a call is repeated without a purchase.
   */
  readonly guarantee: Guarantee | 'free';
  /** Everything that decides what the audio of a request sounds like, for cache keys. */
  cacheInput(request: SpeechRequest): object;
  /** Undefined: the price is unknown. */
  quote(request: Pick<SpeechRequest, 'text' | 'speed'>): SpeechQuote | undefined;
  /**
   * Speaks a text to a file. When the call is paid, the signal has an effect only until it is sent: its answer would be lost, and paid
   * for. Throws `ClipmeshError`; its charges say what a bad answer cost. Without charges, `PROVIDER_UNAVAILABLE` and `PROVIDER_TIMEOUT`
   * mean that the outcome of a paid call is unknown.
   */
  speak(request: SpeechRequest, call: SpeechCall): Promise<SpokenFile>;
  /** The charge of a call. Undefined: it is free. */
  charge(work: SpokenWork): Charge | undefined;
}
