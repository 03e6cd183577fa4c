import { RATE } from './instruments.js';

const { round } = Math;

/** Lengths of the echoes, seconds: without a common factor, so that none rings. */
const COMBS = [0.0297, 0.0371, 0.0411, 0.0437];
const ALL_PASSES = [0.005, 0.0017];
/** Time in which an echo falls by 60 dB, seconds. */
const TAIL = 1.6;
const DAMPING = 0.35;

/**
 * The echo of a loop in a room (Schroeder): the loop is played twice, and the second time is kept, so that the tail of its end
 * is in its begin. `spread` makes the two channels differ, seconds.
 */
export function roomOf(loop: Float32Array, spread: number): Float32Array {
  const combs = COMBS.map((seconds) => {
    const length = round((seconds + spread) * RATE);
    return { line: new Float32Array(length), at: 0, kept: 0, feedback: 10 ** ((-3 * length) / RATE / TAIL) };
  });
  const passes = ALL_PASSES.map((seconds) => ({
    line: new Float32Array(round((seconds + spread) * RATE)),
    at: 0,
  }));
  const echo = new Float32Array(loop.length);
  for (let round = 0; round < 2; round += 1)
    for (let index = 0; index < loop.length; index += 1) {
      const dry = loop[index] ?? 0;
      let wet = 0;
      for (const comb of combs) {
        const delayed = comb.line[comb.at] ?? 0;
        comb.kept = delayed * (1 - DAMPING) + comb.kept * DAMPING;
        comb.line[comb.at] = dry + comb.kept * comb.feedback;
        comb.at = comb.at + 1 === comb.line.length ? 0 : comb.at + 1;
        wet += delayed;
      }
      for (const pass of passes) {
        const delayed = pass.line[pass.at] ?? 0;
        const next = wet + delayed * 0.5;
        pass.line[pass.at] = next;
        pass.at = pass.at + 1 === pass.line.length ? 0 : pass.at + 1;
        wet = delayed - next * 0.5;
      }
      echo[index] = wet;
    }
  return echo;
}
