import { type Response } from 'express';
import { type SpeechAnswerKind } from '../control/answer.forms.js';
import { type SpeechFormat } from './speech.speaker.js';
import { wavHeader } from './tone.wav.js';

const CONTENT_TYPES: Readonly<Record<SpeechFormat, string>> = {
  mp3: 'audio/mpeg',
  opus: 'audio/opus',
  aac: 'audio/aac',
  flac: 'audio/flac',
  wav: 'audio/wav',
  pcm: 'audio/pcm',
};
/** Bytes of audio in one event. */
const EVENT_BYTES = 16_384;
/** Two seconds. */
const SILENT_BYTES = 96_000;
const PAGE = '<!doctype html><title>Sign in</title>';

interface Audio {
  readonly bytes: Buffer;
  readonly format: SpeechFormat;
  readonly tokens: { readonly input: number; readonly output: number };
  /** Whether the audio is sent as events. */
  readonly isStreamed: boolean;
}

/** Sends the answer of a kind. Only `audio` is what the caller paid for. */
export function sendSpeech(response: Response, kind: SpeechAnswerKind, audio: Audio): void {
  switch (kind) {
    case 'audio':
      sendAudio(response, audio);
      return;
    case 'empty':
      sendAudio(response, { ...audio, bytes: Buffer.alloc(0) });
      return;
    case 'short':
      sendAudio(response, { ...audio, bytes: shortened(audio) });
      return;
    case 'silent':
      sendAudio(response, { ...audio, bytes: Buffer.concat([wavHeader(SILENT_BYTES), Buffer.alloc(SILENT_BYTES)]) });
      return;
    case 'broken':
      response.type(CONTENT_TYPES[audio.format]).set('content-length', String(audio.bytes.length));
      response.write(audio.bytes.subarray(0, Math.floor(audio.bytes.length / 2)), () => response.destroy());
      return;
    case 'page':
      response.type('text/html').send(PAGE);
      return;
    case 'wrong-type':
      response.type('application/octet-stream').send(audio.bytes);
  }
}

function sendAudio(response: Response, { bytes, format, tokens, isStreamed }: Audio): void {
  if (!isStreamed) {
    response.type(CONTENT_TYPES[format]).send(bytes);
    return;
  }
  response.type('text/event-stream');
  const send = (event: object): boolean => response.write(`data: ${JSON.stringify(event)}\n\n`);
  for (let at = 0; at < bytes.length; at += EVENT_BYTES)
    send({ type: 'speech.audio.delta', audio: bytes.subarray(at, at + EVENT_BYTES).toString('base64') });
  const { input, output } = tokens;
  const usage = { input_tokens: input, output_tokens: output, total_tokens: input + output };
  send({ type: 'speech.audio.done', usage });
  response.end();
}

/** Half of the audio; a WAV with the size of the whole in its header. */
function shortened({ bytes, format }: Audio): Buffer {
  const half = bytes.subarray(0, Math.floor(bytes.length / 4) * 2);
  return format === 'wav' ? Buffer.concat([wavHeader(bytes.length - 44), half.subarray(44)]) : half;
}
