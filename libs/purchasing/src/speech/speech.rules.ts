import { createHash } from 'node:crypto';
import { type Purchase } from '@clipmesh/persistence';
import { type SpeechModel, spokenAnswerSchema, type WordTiming } from '@clipmesh/providers';
import { canonicalJson } from '../cache/cache.rules.js';
import { type StoredPurchase } from '../clip/purchase.rules.js';
import { type SpeechOrder } from './speech.deps.js';

/** The measures of a verified speech. */
export interface SpeechMeasures {
  readonly durationSeconds: number;
  readonly words?: readonly WordTiming[] | undefined;
}

/** The measures in a stored answer; undefined for one of another form, or of a file that is not verified. */
export function measuresOf(answer: unknown): SpeechMeasures | undefined {
  const { durationSeconds, words } = spokenAnswerSchema.safeParse(answer).data ?? {};
  return durationSeconds === undefined ? undefined : { durationSeconds, ...(words === undefined ? {} : { words }) };
}

/** Hash of everything that the speech depends on. The command step is not included. */
export const speechFingerprint = (model: SpeechModel, { request }: SpeechOrder): string =>
  createHash('sha256')
    .update(canonicalJson([model.name, model.cacheInput(request)]))
    .digest('hex');

/** The next step for a speech, given the earlier purchases of its scene. */
export type SpeechStep =
  /** It is paid for, stored and verified. */
  | { readonly kind: 'use'; readonly entry: StoredPurchase }
  /** It is paid for and stored: verify it. */
  | { readonly kind: 'verify'; readonly entry: StoredPurchase }
  /** Its call may still run, in this process or another. */
  | { readonly kind: 'wait'; readonly untilMs: number }
  /** Its outcome is unknown, and the provider cannot say. */
  | { readonly kind: 'close'; readonly entry: StoredPurchase }
  | { readonly kind: 'buy'; readonly key: string };

/** When the call of a purchase has certainly ended, ms since the epoch. */
export const callEndsAtMs = ({ status, updatedAt }: Purchase, callTimeoutMs: number): number =>
  status === 'intended' ? Date.parse(updatedAt) + callTimeoutMs : 0;

/** `entries`: the purchases of the scene's speech. One of another text that is over is closed too, so that its charge is known. */
export function nextSpeechStep(
  entries: readonly StoredPurchase[],
  fingerprint: string,
  { generationId, scene }: Pick<SpeechOrder, 'generationId' | 'scene'>,
  { nowMs, callTimeoutMs }: { readonly nowMs: number; readonly callTimeoutMs: number },
): SpeechStep {
  const own = entries.filter(({ value }) => value.fingerprint === fingerprint);
  const finished = own.find(({ value }) => value.status === 'finished' && value.artifact !== undefined);
  if (finished !== undefined) return { kind: 'use', entry: finished };
  const submitted = own.find(({ value }) => value.status === 'submitted' && value.artifact !== undefined);
  if (submitted !== undefined) return { kind: 'verify', entry: submitted };
  const isOver = ({ value }: StoredPurchase): boolean => callEndsAtMs(value, callTimeoutMs) <= nowMs;
  const unknown = entries.filter(({ value }) => value.status === 'intended' || value.status === 'unanswered');
  const over = unknown.find(isOver);
  if (over !== undefined) return { kind: 'close', entry: over };
  const running = unknown.find(({ value }) => value.fingerprint === fingerprint);
  if (running !== undefined) return { kind: 'wait', untilMs: callEndsAtMs(running.value, callTimeoutMs) };
  return { kind: 'buy', key: `speech.${generationId}.${scene}.${entries.length + 1}` };
}
