import { FORMATS } from './speech.speaker.js';
import { VOICES } from './speech.voices.js';

/** Servers with OpenAI's speech API that do not take all of its fields. */
export const SPEECH_SERVERS = [
  /** Takes every field. */
  'openai',
  /** Kokoro-FastAPI. Needs no key, ignores fields that it does not know, and has its own form of errors. */
  'kokoro',
  /** The models of Groq: WAV alone. */
  'groq',
  /** A FastAPI server with the fields and formats that OpenAI's API had in 2023. Refuses all others, and needs no key. */
  'strict',
] as const;
export type SpeechServer = (typeof SPEECH_SERVERS)[number];

const KEYLESS: ReadonlySet<SpeechServer | undefined> = new Set(['kokoro', 'strict'] as const);
/** Whether the server answers without a key. */
export const speaksWithoutKey = (server: SpeechServer | undefined): boolean => KEYLESS.has(server);

/** The fields of a request that decide about its refusal. */
export interface SpeechFields {
  readonly model: string;
  readonly input: string;
  readonly voice: string;
  readonly response_format?: string | undefined;
  readonly speed?: number | undefined;
  readonly instructions?: string | undefined;
  readonly stream_format?: string | undefined;
}
export interface SpeechRefusal {
  readonly status: number;
  readonly body: unknown;
}

const MAX_CHARACTERS = 4096;
const SPEED = { min: 0.25, max: 4 } as const;
const OLD_FORMATS = ['mp3', 'opus', 'aac', 'flac'];

const problem = (message: string, code: string | null = null, param: string | null = null): object => ({
  error: { message, type: 'invalid_request_error', param, code },
});
/** `'a', 'b' or 'c'` */
const listed = (names: readonly string[]): string =>
  `${names
    .slice(0, -1)
    .map((name) => `'${name}'`)
    .join(', ')} or '${names.at(-1) ?? ''}'`;

/** What is wrong with a field: its type, name and message in pydantic's words. */
interface FieldProblem {
  readonly type: string;
  readonly field: keyof SpeechFields;
  readonly msg: string;
}

function fieldProblem(fields: SpeechFields, formats: readonly string[]): FieldProblem | undefined {
  const { input, response_format: format, speed } = fields;
  if (input === '') return { type: 'string_too_short', field: 'input', msg: 'String should have at least 1 character' };
  if (Array.from(input).length > MAX_CHARACTERS)
    return { type: 'string_too_long', field: 'input', msg: `String should have at most ${MAX_CHARACTERS} characters` };
  if (format !== undefined && !formats.includes(format))
    return { type: 'literal_error', field: 'response_format', msg: `Input should be ${listed(formats)}` };
  if (speed !== undefined && speed < SPEED.min)
    return { type: 'greater_than_equal', field: 'speed', msg: `Input should be greater than or equal to ${SPEED.min}` };
  if (speed !== undefined && speed > SPEED.max)
    return { type: 'less_than_equal', field: 'speed', msg: `Input should be less than or equal to ${SPEED.max}` };
  return undefined;
}

/** The error for a request that this server does not take, in its own form; undefined when it takes it. */
export function speechRefusal(server: SpeechServer, fields: SpeechFields): SpeechRefusal | undefined {
  switch (server) {
    case 'openai':
      return openaiRefusal(fields);
    case 'kokoro': {
      const message = `Voice '${fields.voice}' not found. Available voices: ${VOICES.join(', ')}`;
      const body = { detail: { error: 'validation_error', message, type: 'invalid_request_error' } };
      return VOICES.includes(fields.voice) ? undefined : { status: 400, body };
    }
    case 'groq': {
      const { response_format: format = 'mp3' } = fields;
      return format === 'wav' ? undefined : { status: 400, body: problem('response_format must be one of [wav]') };
    }
    case 'strict': {
      const extra = (['instructions', 'stream_format'] as const).find((name) => fields[name] !== undefined);
      const found = fieldProblem(fields, OLD_FORMATS);
      const detail = extra
        ? [
            {
              type: 'extra_forbidden',
              loc: ['body', extra],
              msg: 'Extra inputs are not permitted',
              input: fields[extra],
            },
          ]
        : found && [{ type: found.type, loc: ['body', found.field], msg: found.msg, input: fields[found.field] }];
      return detail && { status: 422, body: { detail } };
    }
  }
}

/** OpenAI puts pydantic's error, as Python prints it, into the message. */
function openaiRefusal(fields: SpeechFields): SpeechRefusal | undefined {
  const { voice, model, stream_format: stream } = fields;
  const found =
    fieldProblem(fields, FORMATS) ??
    (VOICES.includes(voice)
      ? undefined
      : ({ type: 'enum', field: 'voice', msg: `Input should be ${listed(VOICES)}` } as const));
  if (found !== undefined) {
    const { type, field, msg } = found;
    const input = String(fields[field]).replace(/'/g, "\\'");
    const message = `[{'type': '${type}', 'loc': ('body', '${field}'), 'msg': "${msg}", 'input': '${input}'}]`;
    return { status: 400, body: problem(message) };
  }
  if (stream === 'sse' && model.startsWith('tts-1'))
    return {
      status: 400,
      body: problem("stream_format 'sse' is not supported for this model", 'unsupported_value', 'stream_format'),
    };
  return undefined;
}
