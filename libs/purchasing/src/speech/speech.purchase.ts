import { type Charge, ClipmeshError } from '@clipmesh/contracts';
import { AlreadyExistsError } from '@clipmesh/persistence';
import { withCharges } from '../charges/charged.errors.js';
import { closeUnknown } from './speech.close.js';
import { type StoredSpeech, throughSpeechCache } from './speech.cache.js';
import { type SpeechDeps, type SpeechOrder } from './speech.deps.js';
import { speechPurchases, saveSpeech } from './speech.repository.js';
import { measuresOf, nextSpeechStep, speechFingerprint } from './speech.rules.js';
import { type BuyContext, finishSpeech, speakFree, submitSpeech } from './speech.submit.js';

/** A speech that is stored and verified. */
export interface BoughtSpeech extends StoredSpeech {
  /** All charges of the scene's speech: a crash may have lost the events of earlier ones, and the ledger deduplicates by key. */
  readonly charges: readonly Charge[];
  /** Another generation bought it, so it is free here. */
  readonly cached: boolean;
}

/** Pause between two looks at a purchase whose call may still run elsewhere, ms. */
const LOOK_GAP_MS = 1000;

/**
 * Returns the speech of a scene from the cache, or buys it. The intent is recorded before the call, and the file is stored before it is
 * verified, so that a redelivered command pays only once. When the answer of a call was lost, the purchase is charged at its highest
 * price, and the speech is bought at most once more per command. A cancel does not stop a paid call in progress, as its charge must be
 * recorded. A command that ended with a failure throws it again. `givesUp` says whether the command ends with an error. Default: when
 * the error is not retryable. Errors carry all charges of the scene's speech.
 */
export async function buySpeech(
  deps: SpeechDeps,
  order: SpeechOrder,
  signal: AbortSignal,
  givesUp: BuyContext['givesUp'] = (error) => !error.retryable,
): Promise<BoughtSpeech> {
  const { generationId, scene, attempt } = order;
  if (deps.model.guarantee === 'free') {
    const speech = await throughSpeechCache(deps, order, { waits: true, signal }, () => speakFree(deps, order, signal));
    return { ...speech, charges: [] };
  }
  const charges = async (): Promise<Charge[]> =>
    (await speechPurchases(deps, generationId, scene)).flatMap(({ value }) => value.charge ?? []);
  try {
    const known = await speechPurchases(deps, generationId, scene);
    const end = known.find(({ value }) => value.gaveUp?.attempt === attempt)?.value.gaveUp;
    if (end !== undefined) throw new ClipmeshError(end.code, end.message, { retryable: false });
    const context: BuyContext = { deps, order, signal, givesUp, fingerprint: speechFingerprint(deps.model, order) };
    const waits = known.every(({ value }) => value.status === 'failed' || value.status === 'canceled');
    const speech = await throughSpeechCache(deps, order, { waits, signal }, () => findOrBuy(context));
    return { ...speech, charges: await charges() };
  } catch (error) {
    if (!(error instanceof ClipmeshError)) throw error;
    // There may be no further try to publish them. An error of the store must not hide this one.
    const stored = await charges().catch(() => []);
    throw withCharges(error, [...stored, ...error.charges]);
  }
}

async function findOrBuy(context: BuyContext): Promise<StoredSpeech> {
  const { deps, order, signal, fingerprint } = context;
  const { clock, callTimeoutMs, logger } = deps;
  for (;;) {
    signal.throwIfAborted();
    const entries = await speechPurchases(deps, order.generationId, order.scene);
    const step = nextSpeechStep(entries, fingerprint, order, { nowMs: clock.now(), callTimeoutMs });
    switch (step.kind) {
      case 'use': {
        const { artifact, answer, key } = step.entry.value;
        const measures = measuresOf(answer);
        if (artifact !== undefined && measures !== undefined && (await deps.isIntact(artifact)))
          return { artifact, ...measures };
        logger.warn({ key }, 'a bought speech is missing or damaged; buying it again');
        await saveSpeech(deps, step.entry, { status: 'failed' });
        break;
      }
      case 'verify':
        return finishSpeech(context, step.entry);
      case 'wait':
        await clock.sleep(Math.max(1, Math.min(step.untilMs - clock.now(), LOOK_GAP_MS)), signal);
        break;
      case 'close':
        await closeUnknown(context, step.entry, entries);
        break;
      case 'buy':
        try {
          return await finishSpeech(context, await submitSpeech(context, step.key));
        } catch (error) {
          if (!(error instanceof AlreadyExistsError)) throw error;
        }
    }
  }
}
