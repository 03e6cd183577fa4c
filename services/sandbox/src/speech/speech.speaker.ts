import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ClipmeshError } from '@clipmesh/contracts';
import { type Espeak, type Media } from '@clipmesh/media';
import { variantOf } from './speech.voices.js';
import { secondsOf, toneWav, wavHeader } from './tone.wav.js';

/** OpenAI's formats. */
export const FORMATS = ['mp3', 'opus', 'aac', 'flac', 'wav', 'pcm'] as const;
export type SpeechFormat = (typeof FORMATS)[number];

export interface SpeechInput {
  readonly text: string;
  readonly voice: string;
  readonly speed: number;
  readonly format: SpeechFormat;
}
/** Audio in the requested format, and its duration. */
export interface SpeechSound {
  readonly bytes: Buffer;
  readonly seconds: number;
}
/** Makes the sound of a speech. */
export type Speaker = (input: SpeechInput, signal: AbortSignal) => Promise<SpeechSound>;

export interface SpeakerDeps {
  /** Undefined: espeak-ng is not installed, and tones take the place of words. */
  readonly espeak: Pick<Espeak, 'speak'> | undefined;
  readonly media: Pick<Media, 'convertSound'>;
  /** Parent folder of temporary files. */
  readonly tempDir: string;
}

/** The size of OpenAI's streamed WAV files, which is not known when their header is sent. */
const STREAMED = 0xffff_ffff;

/** A speaker with real speech, or with tones. WAV files have the header of OpenAI's streams. */
export function createSpeaker({ espeak, media, tempDir }: SpeakerDeps): Speaker {
  return async ({ text, voice, speed, format }, signal) => {
    await mkdir(tempDir, { recursive: true });
    const folder = await mkdtemp(join(tempDir, 'sandbox-speech-'));
    try {
      const source = join(folder, 'source.wav');
      const wav = join(folder, 'speech.wav');
      const isSpoken =
        espeak !== undefined &&
        (await espeak
          .speak({ text, speed, voice: variantOf(voice) }, source, { signal })
          .then(() => true, canSpeakNone));
      if (isSpoken) await media.convertSound({ file: source, output: wav, format: 'wav' }, { signal });
      else await writeFile(wav, toneWav(text, speed));
      const samples = (await readFile(wav)).subarray(44);
      const seconds = secondsOf(samples);
      if (format === 'pcm') return { bytes: samples, seconds };
      if (format === 'wav') return { bytes: Buffer.concat([wavHeader(STREAMED), samples]), seconds };
      const output = join(folder, `speech.${format}`);
      await media.convertSound({ file: wav, output, format }, { signal });
      return { bytes: await readFile(output), seconds };
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  };
}

/** False for a language that espeak-ng lacks and OpenAI has. Rethrows other errors. */
function canSpeakNone(error: unknown): false {
  if (error instanceof ClipmeshError && error.code === 'PROVIDER_BAD_INPUT') return false;
  throw error;
}

/** Tones as WAV or PCM, without ffmpeg. */
export const toneSpeaker: Speaker = ({ text, speed, format }) => {
  const wav = toneWav(text, speed);
  const bytes = format === 'pcm' ? wav.subarray(44) : wav;
  return Promise.resolve({ bytes, seconds: secondsOf(wav.subarray(44)) });
};
