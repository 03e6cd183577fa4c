import { ATTR, withSpan } from '@clipmesh/tracing';
import { type SpeechModel } from './speech.model.js';
import { checkSpeechText } from './speech.text.js';

/** A synthesizer on this machine. `Espeak` of libs/media fits. */
export interface LocalSynthesizer {
  /** Throws an `Error` that says what to install. */
  version(signal: AbortSignal): Promise<string>;
  /** Speaks to a WAV file. Throws `ClipmeshError`, and leaves no file then. */
  speak(
    input: {
      readonly text: string;
      readonly voice?: string | undefined;
      readonly language?: string | undefined;
      readonly speed?: number | undefined;
    },
    file: string,
    context: { readonly signal: AbortSignal },
  ): Promise<{ readonly bytes: number }>;
}
export interface EspeakSpeechOptions {
  readonly synthesizer: LocalSynthesizer;
  /** Of the synthesizer. Another version may speak differently. */
  readonly version: string;
  /** Voice of requests that name none. Default: the voice of the language. */
  readonly voice?: string | undefined;
}

const NAME = 'espeak-ng';

/** A speech model that uses espeak-ng: free, deterministic, and without a network. Aborting the signal of a call kills its process. */
export function createEspeakSpeechModel({ synthesizer, version, voice: usualVoice }: EspeakSpeechOptions): SpeechModel {
  return {
    name: NAME,
    model: NAME,
    guarantee: 'free',
    cacheInput: ({ text, voice = usualVoice, speed = 1, language }) => ({ version, text, voice, speed, language }),
    quote: () => ({ sku: 'free', micros: 0 }),
    charge: () => undefined,
    speak: (request, { file, signal, beforeSend }) =>
      withSpan('clipmesh.providers', `speech ${NAME}`, { [ATTR.stage]: 'audio' }, async () => {
        checkSpeechText(request.text);
        await beforeSend?.();
        const { bytes } = await synthesizer.speak({ ...request, voice: request.voice ?? usualVoice }, file, { signal });
        return { bytes, contentType: 'audio/wav' };
      }),
  };
}
