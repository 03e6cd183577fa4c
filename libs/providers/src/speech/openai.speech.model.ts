import { type Charge, ClipmeshError, countCharacters } from '@clipmesh/contracts';
import { maxSpeechMicros, speechMicros, speechPrice, type SpeechPrice } from '@clipmesh/billing';
import { ATTR, withSpan } from '@clipmesh/tracing';
import { SpanKind } from '@opentelemetry/api';
import { APIError, type OpenAI } from 'openai';
import { withoutQuotes } from '../failures/prediction.failure.js';
import { callOpenAi, codeOf } from '../openai/openai.call.js';
import { openAiClient } from '../openai/openai.client.js';
import { logEvent, type ProviderLog } from '../provider.events.js';
import { receiveSpeech } from './speech.answer.js';
import { firstSpeechForm, type SpeechForm, weakerSpeechForm } from './speech.form.js';
import { type SpeechModel, type SpeechRequest, type SpokenWork } from './speech.model.js';
import { checkSpeechText } from './speech.text.js';

export interface OpenAiSpeechOptions {
  /** Undefined: the server needs no key. */
  readonly apiKey: string | undefined;
  readonly baseUrl: string;
  readonly model: string;
  /** Voice of requests that name none. Default: `alloy`, which most servers know. */
  readonly voice?: string | undefined;
  /** How to speak. Default: none. */
  readonly instructions?: string | undefined;
  readonly timeoutMs: number;
  readonly maxBytes: number;
  /** Configured price. Default: the table's price of the model. */
  readonly price?: SpeechPrice | undefined;
  readonly log?: ProviderLog;
}

const NAME = 'openai';
/** A voice that OpenAI's models share, and that compatible servers map to one of theirs. */
const USUAL_VOICE = 'alloy';
/** OpenAI logs it, for its support. At most 512 characters of ASCII. */
const KEY_HEADER = 'X-Client-Request-Id';

/** A speech model that uses OpenAI's speech API or a compatible server. What a server cannot do is learned from its refusals. */
export function createOpenAiSpeechModel(options: OpenAiSpeechOptions): SpeechModel {
  const { apiKey, baseUrl, model, voice: usualVoice = USUAL_VOICE, instructions, timeoutMs, maxBytes, log } = options;
  const price = options.price ?? speechPrice(model);
  const client = openAiClient(apiKey, baseUrl, timeoutMs);
  let learned = firstSpeechForm(price?.per === 'token');

  const bodyOf = ({ format, speed, instructions: instructs, events }: SpeechForm, request: SpeechRequest) => ({
    model,
    input: request.text,
    voice: request.voice ?? usualVoice,
    ...(format === undefined ? {} : { response_format: format }),
    ...(speed && request.speed !== undefined && request.speed !== 1 ? { speed: request.speed } : {}),
    ...(instructs && instructions !== undefined ? { instructions } : {}),
    ...(events ? { stream_format: 'sse' as const } : {}),
  });

  /** Remembers a form that the server answered. A refused one is not enough: the error may have had another cause. */
  function learn(form: SpeechForm): void {
    if (form === learned) return;
    learned = form;
    const { format = 'none', speed, instructions: instructs, events } = form;
    logEvent(
      log,
      'info',
      'provider.form',
      { model, format, speed, instructions: instructs, events },
      'learned which request fields the speech server takes',
    );
  }

  async function answered(request: SpeechRequest, key: string, signal: AbortSignal): Promise<Response> {
    for (let form = learned; ;) {
      try {
        const body: OpenAI.Audio.SpeechCreateParams = bodyOf(form, request);
        const response = await client.audio.speech.create(body, { signal, headers: { [KEY_HEADER]: key } });
        learn(form);
        return response;
      } catch (error) {
        const next = formAfter(error, form, [request.text, instructions ?? '']);
        if (next === undefined) throw error;
        form = next;
      }
    }
  }

  function charge({ key, request, seconds, tokens, outcome }: SpokenWork): Charge {
    const { text, speed } = request;
    const isKnown = price?.per === 'character' || tokens !== undefined || seconds !== undefined;
    const micros =
      price &&
      (isKnown ? speechMicros(price, { text, seconds: seconds ?? 0, tokens }) : maxSpeechMicros(price, text, speed));
    return {
      key: `speech:${key}`,
      kind: 'speech',
      stage: 'audio',
      provider: NAME,
      model,
      quantity: countCharacters(text),
      unit: 'character',
      ...(price === undefined ? {} : { sku: price.per }),
      ...(micros === undefined ? { amountMicros: 0, unpriced: true } : { amountMicros: micros }),
      ...(isKnown || micros === undefined ? {} : { assumed: true }),
      outcome,
    };
  }

  const speak: SpeechModel['speak'] = async (request, { key, file, signal, beforeSend }) => {
    checkSpeechText(request.text);
    stopIf(signal);
    await beforeSend?.();
    stopIf(signal);
    let response: Response | undefined;
    try {
      // Only the time limit ends it: see `SpeechModel.speak`.
      const call = { name: 'speech', timeoutMs, signal: new AbortController().signal };
      return await callOpenAi({ ...call, quoted: [request.text, instructions ?? ''] }, async (bounded) => {
        response = await answered(request, key, bounded);
        return receiveSpeech(response, file, { maxBytes, client });
      });
    } catch (error) {
      if (response === undefined || !(error instanceof ClipmeshError)) throw error;
      const { code, message, retryable } = error;
      const charges = [charge({ key, request, outcome: 'failed' })];
      throw new ClipmeshError(code, message, { cause: error, retryable, charges });
    }
  };

  return {
    name: NAME,
    model,
    guarantee: 'at_most_once_more',
    cacheInput: ({ text, voice = usualVoice, speed = 1 }) => ({ baseUrl, model, text, voice, speed, instructions }),
    quote: ({ text, speed }) => price && { sku: price.per, micros: maxSpeechMicros(price, text, speed) },
    charge,
    speak: (request, call) =>
      withSpan(
        'clipmesh.providers',
        `speech ${model}`,
        {
          'gen_ai.operation.name': 'generate_content',
          'gen_ai.output.type': 'speech',
          'gen_ai.provider.name': NAME,
          'gen_ai.request.model': model,
          [ATTR.stage]: 'audio',
        },
        async (span) => {
          const spoken = await speak(request, call);
          if (spoken.tokens !== undefined)
            span.setAttributes({
              'gen_ai.usage.input_tokens': spoken.tokens.input,
              'gen_ai.usage.output_tokens': spoken.tokens.output,
            });
          return spoken;
        },
        SpanKind.CLIENT,
      ),
  };
}

function stopIf({ aborted }: AbortSignal): void {
  if (aborted) throw new ClipmeshError('CANCELED', 'speech: canceled before the call was sent');
}

/** The form to use instead when the error refuses a part of this one; undefined when it is about something else. */
function formAfter(error: unknown, form: SpeechForm, quoted: readonly string[]): SpeechForm | undefined {
  if (!(error instanceof APIError) || typeof error.status !== 'number' || codeOf(error) !== undefined) return undefined;
  const text = withoutQuotes(`${error.message} ${String(error.code)} ${String(error.param)}`, quoted);
  return weakerSpeechForm(form, { status: error.status, text });
}
