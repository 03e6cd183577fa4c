import { REFUSAL_STATUSES, NOT_TAKEN } from '../openai/form.refusals.js';

/**
 * The formats that are asked for, in this order: lossless ones have no padding at their ends. Raw PCM is missing, because it does not
 * say its sample rate.
 */
export const SPEECH_FORMATS = ['wav', 'flac', 'mp3', 'opus', 'aac'] as const;
export type SpeechFormat = (typeof SPEECH_FORMATS)[number];

/** The form of a speech request: which optional fields it may have. A server that refuses one gets a weaker form. */
export interface SpeechForm {
  /** Undefined: no `response_format`, so the server chooses. */
  readonly format: SpeechFormat | undefined;
  /** Formats that are not refused yet. */
  readonly formats: readonly SpeechFormat[];
  readonly speed: boolean;
  readonly instructions: boolean;
  /** Whether events are asked for, which report the tokens. */
  readonly events: boolean;
}

/** The form of the first call to a server. */
export const firstSpeechForm = (events: boolean): SpeechForm => ({
  format: SPEECH_FORMATS[0],
  formats: SPEECH_FORMATS.slice(1),
  speed: true,
  instructions: true,
  events,
});

const FORMAT = /response[_ ]?format|(?:audio|output) format/i;
/** "response_format must be one of [wav]" (Groq), "Input should be 'mp3', 'flac', 'wav' or 'pcm'" (FastAPI). */
const ALTERNATIVES = /(?:must be|should be|one of|supported(?: formats)?(?: are)?:?|available:?)\b(.*)/is;
const EVENTS = /\bstream_format\b|\bsse\b/i;

/**
 * The form to use instead when an error refuses a part of this one; undefined when it is about something else, or nothing is left to
 * leave out. `text`: the error's message with its codes, without quotes of the request.
 */
export function weakerSpeechForm(
  form: SpeechForm,
  { status, text }: { readonly status: number; readonly text: string },
): SpeechForm | undefined {
  if (!REFUSAL_STATUSES.has(status)) return undefined;
  if (form.events && EVENTS.test(text)) return { ...form, events: false };
  if (form.format !== undefined && FORMAT.test(text)) return withoutFormat(form, text);
  if (!NOT_TAKEN.test(text)) return undefined;
  if (form.instructions && /\binstruct(?:ions?)?\b/i.test(text)) return { ...form, instructions: false };
  return form.speed && /\bspeed\b/i.test(text) ? { ...form, speed: false } : undefined;
}

/** The next format: the first one that the error names as an alternative, else the next in order. */
function withoutFormat(form: SpeechForm, text: string): SpeechForm {
  const [, named = ''] = ALTERNATIVES.exec(text) ?? [];
  const next = form.formats.find((format) => new RegExp(`\\b${format}\\b`, 'i').test(named)) ?? form.formats[0];
  return { ...form, format: next, formats: form.formats.filter((format) => format !== next) };
}
