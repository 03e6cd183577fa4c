const SAMPLE_RATE = 16_000;
const SECONDS_PER_CHARACTER = 0.06;
const MAX_SECONDS = 120;

/** Duration of the speech: 0.06 s per character, at least 0.5 s, at most 120 s. */
export function speechSeconds(text: string): number {
  return Math.min(MAX_SECONDS, Math.max(0.5, text.length * SECONDS_PER_CHARACTER));
}

/** A mono 16-bit WAV with one soft tone per character, so that texts sound different. */
export function speechWav(text: string): Buffer {
  const samples = Math.round(speechSeconds(text) * SAMPLE_RATE);
  const wav = Buffer.alloc(44 + samples * 2);
  wav.write('RIFF', 0, 'ascii');
  wav.writeUInt32LE(36 + samples * 2, 4);
  wav.write('WAVEfmt ', 8, 'ascii');
  wav.writeUInt32LE(16, 16);
  wav.writeUInt16LE(1, 20);
  wav.writeUInt16LE(1, 22);
  wav.writeUInt32LE(SAMPLE_RATE, 24);
  wav.writeUInt32LE(SAMPLE_RATE * 2, 28);
  wav.writeUInt16LE(2, 32);
  wav.writeUInt16LE(16, 34);
  wav.write('data', 36, 'ascii');
  wav.writeUInt32LE(samples * 2, 40);
  const step = SAMPLE_RATE * SECONDS_PER_CHARACTER;
  for (let index = 0; index < samples; index += 1) {
    const character = text.charCodeAt(Math.min(text.length - 1, Math.floor(index / step))) || 32;
    const envelope = Math.sin((Math.PI * (index % step)) / step);
    const tone = Math.sin((2 * Math.PI * (140 + (character % 64) * 4) * index) / SAMPLE_RATE);
    wav.writeInt16LE(Math.round(tone * envelope * 6000), 44 + index * 2);
  }
  return wav;
}
