import { type SpeechPrice } from '@clipmesh/billing';
import { messageOf } from '@clipmesh/contracts';
import { type ProviderLog } from '../provider.events.js';
import { createEspeakSpeechModel, type LocalSynthesizer } from './espeak.speech.model.js';
import { createOpenAiSpeechModel } from './openai.speech.model.js';
import { type SpeechModel } from './speech.model.js';

/** Settings of speech. Those of libs/config fit. */
export interface SpeechSettings {
  readonly speechProvider: 'auto' | 'openai' | 'espeak-ng' | 'none';
  readonly speechModel: string;
  readonly speechVoice: string | undefined;
  readonly speechInstructions: string | undefined;
  readonly speechPrice: SpeechPrice | undefined;
  readonly speechTimeoutMs: number;
  readonly speechMaxBytes: number;
}
export interface SpeechDeps {
  /** The configured speech API. Undefined: none. */
  readonly server: { readonly baseUrl: string; readonly apiKey: string | undefined } | undefined;
  readonly synthesizer: LocalSynthesizer;
  readonly log: ProviderLog;
}

/** Who speaks, or why nobody does. A video can be made without a voice. */
export type Speech =
  | { readonly kind: 'available'; readonly model: SpeechModel }
  /** `reason`: one or two sentences that say what to install or set. */
  | { readonly kind: 'unavailable'; readonly reason: string };

const NEEDS_SERVER = 'Set SPEECH_API_KEY, or SPEECH_BASE_URL of a server that needs no key.';
const VERSION_TIMEOUT_MS = 20_000;

/**
 * Opens the speech model that the settings choose. With `auto`, a missing one is `unavailable`; one that the settings name must be
 * there, and otherwise an error is thrown that says what to install or set.
 */
export async function openSpeech(settings: SpeechSettings, { server, synthesizer, log }: SpeechDeps): Promise<Speech> {
  const { speechProvider: chosen, speechVoice: voice } = settings;
  if (chosen === 'none') return { kind: 'unavailable', reason: 'SPEECH_PROVIDER is none.' };
  if (chosen !== 'espeak-ng' && server !== undefined) {
    const model = createOpenAiSpeechModel({
      ...server,
      model: settings.speechModel,
      voice,
      instructions: settings.speechInstructions,
      timeoutMs: settings.speechTimeoutMs,
      maxBytes: settings.speechMaxBytes,
      price: settings.speechPrice,
      log,
    });
    return { kind: 'available', model };
  }
  if (chosen === 'openai') throw new Error(`SPEECH_PROVIDER is openai, but no key is set. ${NEEDS_SERVER}`);
  try {
    const version = await synthesizer.version(AbortSignal.timeout(VERSION_TIMEOUT_MS));
    return { kind: 'available', model: createEspeakSpeechModel({ synthesizer, version, voice }) };
  } catch (cause) {
    if (chosen === 'espeak-ng') throw new Error(`SPEECH_PROVIDER is espeak-ng, but ${messageOf(cause)}`, { cause });
    const reason = `No speech API is set, and ${messageOf(cause)} ${NEEDS_SERVER}`;
    log.info({ event: 'speech.unavailable' }, reason);
    return { kind: 'unavailable', reason };
  }
}
