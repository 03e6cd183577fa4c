import { open, rm } from 'node:fs/promises';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ClipmeshError, cutText } from '@clipmesh/contracts';
import { type OpenAI } from 'openai';
import { Stream } from 'openai/streaming';
import { z } from 'zod';
import { type SpeechTokens, type SpokenFile } from './speech.model.js';

/** Only this much of a text is read, bytes. */
const LONGEST_TEXT = 4096;
/** Events are base64 in JSON. */
const EVENT_OVERHEAD = 2;
const EVENTS = 'text/event-stream';
const TEXTS = /^text\/|json|html|xml/;

/** Beginnings of audio files, as latin1. */
const MAGIC: readonly (readonly [RegExp, string])[] = [
  [/^RIFF....WAVE/s, 'audio/wav'],
  [/^OggS/, 'audio/ogg'],
  [/^fLaC/, 'audio/flac'],
  // An ID3 tag, or a frame of layer III.
  [/^ID3|^\xff[\xe2\xe3\xf2\xf3\xfa\xfb]/, 'audio/mpeg'],
  [/^\xff[\xf0\xf1\xf8\xf9]/, 'audio/aac'],
  [/^....ftyp/s, 'audio/mp4'],
];

const eventSchema = z.object({
  type: z.string().optional(),
  audio: z.string().optional(),
  usage: z.object({ input_tokens: z.int().nonnegative(), output_tokens: z.int().nonnegative() }).optional(),
});

export interface ReceiveOptions {
  readonly maxBytes: number;
  /** The client that sent the call. */
  readonly client: OpenAI;
}

const bad = (text: string, cause?: unknown): ClipmeshError =>
  new ClipmeshError('PROVIDER_BAD_ANSWER', `speech: ${text}`, cause === undefined ? {} : { cause });

/** The content type of an audio file by its first bytes; undefined when it is not one. Headers of servers may be wrong. */
export function audioTypeOf(head: Uint8Array): string | undefined {
  const text = Buffer.from(head.subarray(0, 16)).toString('latin1');
  return MAGIC.find(([pattern]) => pattern.test(text))?.[1];
}

/**
 * Writes the audio of a response to a file: plain, or as events. Throws `PROVIDER_BAD_ANSWER` for an answer that is empty, too large,
 * not audio, or broken off, and network errors as they are. Leaves no file after an error.
 */
export async function receiveSpeech(
  response: Response,
  file: string,
  { maxBytes, client }: ReceiveOptions,
): Promise<SpokenFile> {
  const declared = (response.headers.get('content-type') ?? '').toLowerCase();
  try {
    let tokens: SpeechTokens | undefined;
    if (declared.startsWith(EVENTS)) tokens = await receiveEvents(response, file, { maxBytes, client });
    else await receivePlain(response, declared, file, maxBytes);
    const { bytes, head } = await beginningOf(file);
    if (bytes === 0) throw bad('the answer is empty');
    const contentType = audioTypeOf(head);
    if (contentType === undefined) throw bad('the answer is not an audio file');
    return { bytes, contentType, ...(tokens === undefined ? {} : { tokens }) };
  } catch (error) {
    await rm(file, { force: true });
    throw error;
  }
}

async function receivePlain(response: Response, declared: string, file: string, maxBytes: number): Promise<void> {
  if (TEXTS.test(declared)) throw bad(`the answer is ${declared}, not audio: ${await beginningOfText(response)}`);
  const target = await open(file, 'w');
  await pipeline(response.body ?? [], limited(maxBytes), target.createWriteStream());
}

/** The tokens that the last event reports. */
async function receiveEvents(
  response: Response,
  file: string,
  { maxBytes, client }: ReceiveOptions,
): Promise<SpeechTokens> {
  const body = response.body?.pipeThrough(limitedStream(maxBytes * EVENT_OVERHEAD)) ?? null;
  const events = Stream.fromSSEResponse<unknown>(new Response(body), new AbortController(), client);
  const target = await open(file, 'w');
  let left = maxBytes;
  try {
    for await (const raw of events) {
      const { type, audio, usage } = eventSchema.safeParse(raw).data ?? {};
      if (audio !== undefined) {
        const bytes = Buffer.from(audio, 'base64');
        left -= bytes.length;
        if (left < 0) throw tooLarge(maxBytes);
        await target.write(bytes);
      }
      if (type === 'speech.audio.done') {
        if (usage === undefined) throw bad('the last event has no usage');
        return { input: usage.input_tokens, output: usage.output_tokens };
      }
    }
  } catch (error) {
    // The events are not JSON.
    throw error instanceof SyntaxError ? bad('an event cannot be read', error) : error;
  } finally {
    await target.close();
  }
  throw bad('the events end before the audio does');
}

const tooLarge = (maxBytes: number): ClipmeshError =>
  new ClipmeshError('PROVIDER_BAD_ANSWER', `speech: the answer is larger than ${maxBytes} bytes`, { retryable: false });

function limited(maxBytes: number): Transform {
  let bytes = 0;
  return new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      bytes += chunk.length;
      if (bytes <= maxBytes) done(null, chunk);
      else done(tooLarge(maxBytes));
    },
  });
}

function limitedStream(maxBytes: number): TransformStream<Uint8Array, Uint8Array> {
  let bytes = 0;
  return new TransformStream({
    transform(chunk, controller) {
      bytes += chunk.length;
      if (bytes <= maxBytes) controller.enqueue(chunk);
      else controller.error(tooLarge(maxBytes));
    },
  });
}

async function beginningOf(file: string): Promise<{ bytes: number; head: Uint8Array }> {
  const handle = await open(file, 'r');
  try {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(16), 0, 16, 0);
    return { bytes: (await handle.stat()).size, head: buffer.subarray(0, bytesRead) };
  } finally {
    await handle.close();
  }
}

async function beginningOfText({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  const stream: AsyncIterable<Uint8Array> | null = body;
  // Leaving the loop cancels the rest of the body.
  for await (const chunk of stream ?? []) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes >= LONGEST_TEXT) break;
  }
  return cutText(Buffer.concat(chunks).toString('utf8').replace(/\s+/g, ' ').trim(), 300);
}
