import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Media } from '../src/index.js';

const DEADLINE_MS = 300_000;
const size = { width: 180, height: 320 };
const STYLE = 'Style: photography. Color palette: tomato red, mustard, warm white. Lighting: soft. Mood: hearty.';
let dir: string;
let media: Media;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'animatic-test-'));
  media = new Media({ threads: 1, idleTimeoutMs: 120_000, tempDir: join(dir, 'tmp'), maxProcesses: 2 });
});
afterAll(() => rm(dir, { recursive: true, force: true }));

async function draw(name: string, label: string, seed = 1, isDraft = false): Promise<string> {
  const output = join(dir, `${name}.mp4`);
  await media.render(
    { output, label, seed, durationSeconds: 2, isDraft, ...size },
    { signal: AbortSignal.timeout(DEADLINE_MS) },
  );
  return output;
}
/** The frame at a second, as small pictures of red, green and blue. */
function frameOf(file: string, second: number): number[] {
  const args = ['-v', 'error', '-ss', String(second), '-i', file, '-frames:v', '1', '-vf', 'scale=45:80:flags=area'];
  return [...execFileSync('ffmpeg', [...args, '-f', 'rawvideo', '-pix_fmt', 'rgb24', '-'], { timeout: DEADLINE_MS })];
}
const distance = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, value, index) => sum + Math.abs(value - (b[index] ?? 0)), 0) / a.length;
/** How far the channels of a picture are apart. */
const colour = (frame: readonly number[]): number =>
  frame.reduce((sum, value, index) => sum + (index % 3 === 0 ? Math.abs(value - (frame[index + 2] ?? 0)) : 0), 0) /
  (frame.length / 3);

describe('an animatic', () => {
  it('shows the shot, the name, the palette and the lack of a product', async () => {
    const subject = (name: string): string => `Subject: A pizza called ${name}. ${STYLE}`;
    const files = {
      hero: await draw('hero', `Hero shot, slow push-in: it. ${subject('Lucia')}`),
      named: await draw('named', `Hero shot, slow push-in: it. ${subject('Mezzaluna')}`),
      wide: await draw('wide', `Wide shot, slow pan: people smile. ${subject('Lucia')}`),
      without: await draw('without', `Hero shot, slow push-in: a day without it. ${subject('Lucia')}`),
      other: await draw(
        'other',
        `Hero shot, slow push-in: it. ${subject('Lucia').replace('tomato red, mustard, warm white', 'navy, cyan')}`,
      ),
    };
    const [hero, named, wide, without, other] = Object.values(files).map((file) => frameOf(file, 0.5));
    if (!hero || !named || !wide || !without || !other) throw new Error('a frame is missing');
    expect(distance(hero, wide)).toBeGreaterThan(15);
    expect(distance(hero, named)).toBeGreaterThan(0.1);
    expect(distance(hero, other)).toBeGreaterThan(30);
    expect(colour(without)).toBeLessThan(colour(hero) / 2);
    // The camera moves.
    expect(distance(hero, frameOf(files.hero, 1.8))).toBeGreaterThan(3);
  });

  it('has the same bytes for the same seed and prompt, and others for another seed', async () => {
    const label = 'x'.repeat(4000);
    const [one, same, other] = await Promise.all(
      [draw('one', label), draw('same', label), draw('another', label, 2)].map(async (file) => readFile(await file)),
    );
    expect(one).toEqual(same);
    expect(one).not.toEqual(other);
  });

  it('says in its upper left corner, and nowhere else, that it is a draft', async () => {
    const label = 'Hero shot, static: it. Subject: A pizza called Lucia.';
    const [draft, plain] = [frameOf(await draw('draft', label, 1, true), 1), frameOf(await draw('plain', label), 1)];
    const rowsOf = (frame: number[], from: number, to: number): number[] => frame.slice(from * 45 * 3, to * 45 * 3);
    expect(distance(rowsOf(draft, 0, 8), rowsOf(plain, 0, 8))).toBeGreaterThan(1);
    expect(distance(rowsOf(draft, 10, 80), rowsOf(plain, 10, 80))).toBeLessThan(0.5);
  });

  it.each(['日本茶「みどり」', 'شاي', '🚀', '', '\u0000'])('can be drawn for %j', async (label) => {
    const probe = await media.probe(await draw('any', label), { signal: AbortSignal.timeout(DEADLINE_MS) });
    expect(probe.video).toMatchObject(size);
  });

  it('has a quiet sound of several notes', async () => {
    const file = await draw('sound', 'Hero shot, static: it');
    const { stderr } = spawnSync('ffmpeg', ['-i', file, '-af', 'volumedetect', '-vn', '-f', 'null', '-'], {
      encoding: 'utf8',
      timeout: DEADLINE_MS,
    });
    const mean = Number(/mean_volume: (-?[\d.]+) dB/.exec(stderr)?.[1]);
    expect(mean).toBeLessThan(-18);
    expect(mean).toBeGreaterThan(-45);
  });
});
