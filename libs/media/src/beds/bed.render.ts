import { type MusicMood } from '@clipmesh/contracts';
import { type Beat, type Bed, BEDS, CHORDS, type Part } from './bed.table.js';
import { playDrum } from './drums.js';
import { playNote, RATE } from './instruments.js';
import { roomOf } from './room.js';

const { PI, abs, cos, exp, floor, max, min, round, sin, tanh } = Math;

const BARS = 8;
const STEPS = 16;
/** Peak of a bed. */
const PEAK = 0.89;
/** Rendering pauses after this long, so that the process can do other work, ms. */
const SLICE_MS = 10;

interface Track {
  readonly left: Float32Array;
  readonly right: Float32Array;
}
type Pause = () => Promise<void>;

/** Pauses when the time slice is used up. */
function slices(): Pause {
  let since = performance.now();
  return async () => {
    if (performance.now() - since < SLICE_MS) return;
    await new Promise((resume) => setImmediate(resume));
    since = performance.now();
  };
}

/** Samples of one step. Whole, so that the loop is exact. */
const stepSamples = ({ beatsPerMinute }: Bed): number => round((RATE * 15) / beatsPerMinute);
const track = (samples: number): Track => ({ left: new Float32Array(samples), right: new Float32Array(samples) });

/** Adds a sound. What reaches beyond the end of the loop sounds at its begin. */
function place({ left, right }: Track, sound: Float32Array, at: number, level: number, pan: number): void {
  const angle = ((pan + 1) * PI) / 4;
  const [toLeft, toRight] = [cos(angle) * level, sin(angle) * level];
  let target = at % left.length;
  for (const value of sound) {
    left[target] = (left[target] ?? 0) + value * toLeft;
    right[target] = (right[target] ?? 0) + value * toRight;
    target = target + 1 === left.length ? 0 : target + 1;
  }
}

/** First sample of a step, with its swing. */
const stepAt = (bed: Bed, bar: number, step: number): number =>
  round((bar * STEPS + step + (step % 2 === 1 ? bed.swing : 0)) * stepSamples(bed));

async function playPart(bed: Bed, part: Part, into: Track, pause: Pause): Promise<void> {
  const seconds = (part.steps * stepSamples(bed)) / RATE;
  for (let bar = part.from ?? 0; bar < BARS; bar += 1) {
    const [above, kind] = bed.chords[bar % bed.chords.length] ?? [0, 'maj'];
    const chord = CHORDS[kind];
    const hertzOf = (tone: number): number => {
      const semitones = above + (chord[tone % chord.length] ?? 0) + 12 * floor(tone / chord.length);
      return bed.root * 2 ** (part.octave + semitones / 12);
    };
    for (const [step, sign] of part.pattern.split('').entries()) {
      if (sign === '.') continue;
      const tones = part.isChord === true ? [0, 1, 2, 3] : [Number(sign)];
      for (const [voice, tone] of tones.entries()) {
        // The voices of a chord are spread between the channels.
        const pan = tones.length === 1 ? part.pan : max(-1, min(1, part.pan + (voice - 1.5) * 0.4));
        // The first note of a bar is a little stronger.
        const level = part.level * (step === 0 ? 1 : 0.88);
        place(into, playNote({ tone: part.tone, hertz: hertzOf(tone), seconds }), stepAt(bed, bar, step), level, pan);
        await pause();
      }
    }
  }
}

async function playBeat(bed: Bed, beat: Beat, into: Track, pause: Pause): Promise<void> {
  const stroke = playDrum(beat.drum);
  for (let bar = beat.from ?? 0; bar < BARS; bar += 1) {
    const pattern = bar === BARS - 1 ? (beat.fill ?? beat.pattern) : beat.pattern;
    for (const [step, sign] of pattern.split('').entries())
      if (sign !== '.') place(into, stroke, stepAt(bed, bar, step), beat.level * (sign === 'x' ? 1 : 0.55), beat.pan);
    await pause();
  }
}

/** Lowers a track at every beat of the kick, and lets it rise again. */
function pump(bed: Bed, { left, right }: Track): void {
  const kick = bed.beats.find(({ drum }) => drum === 'kick');
  if (kick === undefined || bed.pump === 0) return;
  const samples = stepSamples(bed);
  for (let bar = kick.from ?? 0; bar < BARS; bar += 1)
    for (const [step, sign] of kick.pattern.split('').entries()) {
      if (sign !== 'x') continue;
      const from = stepAt(bed, bar, step);
      for (let index = 0; index < 4 * samples && from + index < left.length; index += 1) {
        const gain = 1 - bed.pump * exp((-3.5 * index) / (2 * samples)) * min(1, index / 240);
        left[from + index] = (left[from + index] ?? 0) * gain;
        right[from + index] = (right[from + index] ?? 0) * gain;
      }
    }
}

/** A WAV file with two channels of 16 bits. */
function wavOf({ left, right }: Track): Buffer {
  const bytes = left.length * 4;
  const wav = Buffer.alloc(44 + bytes);
  wav.write('RIFF', 0);
  wav.writeUInt32LE(36 + bytes, 4);
  wav.write('WAVEfmt ', 8);
  wav.writeUInt32LE(16, 16);
  wav.writeUInt16LE(1, 20);
  wav.writeUInt16LE(2, 22);
  wav.writeUInt32LE(RATE, 24);
  wav.writeUInt32LE(RATE * 4, 28);
  wav.writeUInt16LE(4, 32);
  wav.writeUInt16LE(16, 34);
  wav.write('data', 36);
  wav.writeUInt32LE(bytes, 40);
  const samples = new Int16Array(left.length * 2);
  for (let index = 0; index < left.length; index += 1) {
    samples[2 * index] = round((left[index] ?? 0) * 32_767);
    samples[2 * index + 1] = round((right[index] ?? 0) * 32_767);
  }
  Buffer.from(samples.buffer).copy(wav, 44);
  return wav;
}

/**
 * Renders the bed of a mood as a WAV file of eight bars, whose end leads into its begin. The same mood gives the same bytes. It
 * works in slices of {@link SLICE_MS} and lets the process do other work in between.
 */
export async function renderBed(mood: MusicMood): Promise<Buffer> {
  const bed = BEDS[mood];
  const pause = slices();
  const samples = BARS * STEPS * stepSamples(bed);
  const [tones, drums] = [track(samples), track(samples)];
  for (const part of bed.parts) await playPart(bed, part, tones, pause);
  pump(bed, tones);
  for (const beat of bed.beats) await playBeat(bed, beat, drums, pause);
  for (const side of ['left', 'right'] as const) {
    const [tone, drum] = [tones[side], drums[side]];
    // Drums are drier than the rest.
    const sent = tone.map((value, index) => value + 0.35 * (drum[index] ?? 0));
    await pause();
    const echo = roomOf(sent, side === 'left' ? 0 : 0.0011);
    for (let index = 0; index < samples; index += 1)
      tone[index] = tanh(1.2 * ((tone[index] ?? 0) + (drum[index] ?? 0) + bed.room * 0.5 * (echo[index] ?? 0)));
    await pause();
  }
  const peak = [tones.left, tones.right].reduce(
    (most, side) => side.reduce((high, value) => max(high, abs(value)), most),
    0,
  );
  for (const side of [tones.left, tones.right])
    for (let index = 0; index < samples; index += 1) side[index] = ((side[index] ?? 0) * PEAK) / peak;
  return wavOf(tones);
}
