import { join } from 'node:path';
import { type Charge, ClipmeshError } from '@clipmesh/contracts';
import { type SpokenAnswer, spokenAnswerSchema, type SpokenFile, type SpokenWork } from '@clipmesh/providers';
import { NOT_CHARGED } from '../charges/charged.errors.js';
import { isoNow } from '../clip/purchase.repository.js';
import { type StoredPurchase } from '../clip/purchase.rules.js';
import { type StoredSpeech } from './speech.cache.js';
import { type SpeechDeps, type SpeechOrder } from './speech.deps.js';
import { saveSpeech } from './speech.repository.js';
import { unusable, verifiedSeconds } from './speech.verify.js';

/** One try of a command. */
export interface BuyContext {
  readonly deps: SpeechDeps;
  readonly order: SpeechOrder;
  readonly signal: AbortSignal;
  /** Whether the command ends with this error, so that only a lost ack redelivers it. */
  readonly givesUp: (error: ClipmeshError) => boolean;
  readonly fingerprint: string;
}

/**
 * Speaks, verifies and stores a speech that costs nothing: a repeated command speaks again. An unusable file would be the same again, so
 * its error is not retryable.
 */
export function speakFree(
  { model, scratch, artifacts, media }: SpeechDeps,
  order: SpeechOrder,
  signal: AbortSignal,
): Promise<StoredSpeech> {
  const { request, generationId, scene } = order;
  return scratch.withFolder(async (folder) => {
    const file = join(folder, 'speech');
    const { contentType, words } = await model.speak(request, { key: `speech.${generationId}.${scene}`, file, signal });
    const durationSeconds = await verifiedSeconds({ media }, request, file, signal).catch((error: unknown) => {
      if (!(error instanceof ClipmeshError) || error.code !== 'PROVIDER_BAD_ANSWER') throw error;
      const text = `${model.name} cannot speak this text: ${error.message}`;
      throw new ClipmeshError('PROVIDER_BAD_INPUT', text, { cause: error });
    });
    const artifact = await artifacts.put(file, { contentType });
    return { artifact, durationSeconds, ...(words === undefined ? {} : { words }) };
  });
}

/** Buys a speech under this key and stores its file. Returns the purchase, which is not verified yet. */
export function submitSpeech(context: BuyContext, key: string): Promise<StoredPurchase> {
  const { deps, order, signal } = context;
  const { model, scratch, artifacts } = deps;
  const { request, generationId } = order;
  let entry: StoredPurchase | undefined;
  return scratch.withFolder(async (folder) => {
    const file = join(folder, 'speech');
    let spoken: SpokenFile | undefined;
    try {
      spoken = await model.speak(request, {
        ...{ key, file, signal },
        beforeSend: async () => {
          entry = await recordIntent(context, key);
          // Checked after the intent is recorded: either this sees the cancel, or the canceler sees the intent.
          if (await deps.isCanceled(generationId))
            throw new ClipmeshError('CANCELED', 'the generation was canceled before its speech was bought');
        },
      });
      if (entry === undefined) throw new ClipmeshError('INTERNAL', `purchase ${key} has no intent`);
      const { contentType, words, tokens } = spoken;
      const artifact = await artifacts.put(file, { contentType });
      const charge = chargeOf(context, { key, tokens, outcome: 'succeeded' });
      return await saveSpeech(deps, entry, {
        status: 'submitted',
        artifact,
        answer: { words, tokens } satisfies SpokenAnswer,
        // A charge that waits for the length of the audio is not published: the ledger keeps the first amount of a key.
        ...(charge === undefined || charge.assumed === true ? {} : { charge }),
      });
    } catch (error) {
      if (entry === undefined || !(error instanceof ClipmeshError)) throw error;
      const paid = error.charges[0] ?? (spoken && chargeOf(context, { key, tokens: spoken.tokens, outcome: 'failed' }));
      throw await failed(context, entry, error, paid);
    }
  });
}

/** Verifies the stored file of a purchase and finishes it. Throws `PROVIDER_BAD_ANSWER` for a file that is not usable. */
export async function finishSpeech(context: BuyContext, entry: StoredPurchase): Promise<StoredSpeech> {
  const { deps, order, signal, givesUp } = context;
  const { key, artifact, answer } = entry.value;
  const { words, tokens } = spokenAnswerSchema.safeParse(answer).data ?? {};
  if (artifact === undefined) throw new ClipmeshError('INTERNAL', `purchase ${key} has no file`);
  try {
    const durationSeconds = await deps.artifacts.withFile(artifact, (file) =>
      verifiedSeconds(deps, order.request, file, signal),
    );
    const measures = { durationSeconds, ...(words === undefined ? {} : { words }) };
    const work = { key, tokens, seconds: durationSeconds, outcome: 'succeeded' } as const;
    const charge = chargeOf(context, work);
    await saveSpeech(deps, entry, { status: 'finished', answer: measures, ...(charge && { charge }) });
    return { artifact, ...measures };
  } catch (error) {
    const bad = error instanceof ClipmeshError && error.code === 'PROVIDER_BAD_ANSWER' ? error : unusable(error);
    const last = error instanceof ClipmeshError && !signal.aborted && givesUp(error) ? error : undefined;
    const end = bad ?? last;
    // Not about the file: the next try verifies it again.
    if (end === undefined) throw error;
    throw await failed(context, entry, end, chargeOf(context, { key, tokens, outcome: 'failed' }));
  }
}

function recordIntent({ deps, order, fingerprint }: BuyContext, key: string): Promise<StoredPurchase> {
  const { model, purchases } = deps;
  const { generationId, scene, request } = order;
  const at = isoNow(deps);
  const quoteMicros = model.quote(request)?.micros;
  return purchases.create({
    key,
    generationId,
    kind: 'speech',
    status: 'intended',
    model: model.model,
    provider: model.name,
    scene,
    fingerprint,
    request,
    createdAt: at,
    updatedAt: at,
    ...(quoteMicros === undefined ? {} : { quoteMicros }),
  });
}

/** Records the failure of a purchase. Returns the error with its charge. */
async function failed(
  { deps, order, givesUp }: BuyContext,
  entry: StoredPurchase,
  error: ClipmeshError,
  paid: Charge | undefined,
): Promise<ClipmeshError> {
  const { scene, attempt } = order;
  const charge = paid && { ...paid, scene };
  const { code, message, retryable, retryAfterMs } = error;
  const isOver = charge !== undefined || !retryable || NOT_CHARGED.has(code);
  const ends = isOver && givesUp(error);
  await saveSpeech(deps, entry, {
    status: isOver ? 'failed' : 'unanswered',
    ...(charge && { charge }),
    ...(ends ? { gaveUp: { attempt, code, message } } : {}),
  });
  return new ClipmeshError(code, message, {
    ...{ cause: error, retryable, charges: charge === undefined ? [] : [charge] },
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

function chargeOf({ deps, order }: BuyContext, work: Omit<SpokenWork, 'request'>): Charge | undefined {
  const charge = deps.model.charge({ ...work, request: order.request });
  return charge && { ...charge, scene: order.scene };
}
