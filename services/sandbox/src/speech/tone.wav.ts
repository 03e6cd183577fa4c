const SAMPLE_RATE = 24_000;
const SECONDS_PER_CHARACTER = 0.06;
const MAX_SECONDS = 120;

/** Duration of the tones: 0.06 s per character, at least 0.5 s, at most 120 s; divided by the speed. */
export function toneSeconds(text: string, speed = 1): number {
  return Math.min(MAX_SECONDS, Math.max(0.5, text.length * SECONDS_PER_CHARACTER)) / speed;
}

/** The header of a mono 16-bit WAV of 24 kHz. `dataBytes`: 0xffffffff as in the streams of OpenAI, whose length is not known. */
export function wavHeader(dataBytes: number): Buffer {
  const header = Buffer.alloc(44);
  header.write('RIFF', 0, 'ascii');
  header.writeUInt32LE(Math.min(0xffff_ffff, 36 + dataBytes), 4);
  header.write('WAVEfmt ', 8, 'ascii');
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(SAMPLE_RATE, 24);
  header.writeUInt32LE(SAMPLE_RATE * 2, 28);
  header.writeUInt16LE(2, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36, 'ascii');
  header.writeUInt32LE(dataBytes, 40);
  return header;
}

/** A mono 16-bit WAV with one soft tone per character, so that texts sound different. */
export function toneWav(text: string, speed = 1): Buffer {
  const samples = Math.round(toneSeconds(text, speed) * SAMPLE_RATE);
  const sound = Buffer.alloc(samples * 2);
  const step = (SAMPLE_RATE * SECONDS_PER_CHARACTER) / speed;
  for (let index = 0; index < samples; index += 1) {
    const character = text.charCodeAt(Math.min(text.length - 1, Math.floor(index / step))) || 32;
    const envelope = Math.sin((Math.PI * (index % step)) / step);
    const tone = Math.sin((2 * Math.PI * (140 + (character % 64) * 4) * index) / SAMPLE_RATE);
    sound.writeInt16LE(Math.round(tone * envelope * 6000), index * 2);
  }
  return Buffer.concat([wavHeader(sound.length), sound]);
}

/** Seconds of 24 kHz, 16-bit mono samples. */
export const secondsOf = (samples: Uint8Array): number => samples.length / (SAMPLE_RATE * 2);
