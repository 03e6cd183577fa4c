import { cutText, isSpeakable, type Plan } from '@clipmesh/contracts';

/** Longest script of a scene, characters. */
const SCENE_SCRIPT = 400;

const words = new Intl.Segmenter(undefined, { granularity: 'word' });
/** Ends of sentences and clauses, in any script. */
const PAUSE = /[.!?…。！？।؟;:,、，،—–]/u;
const CLAUSE = /[;:,、，،—–]/u;

/**
 * A text without this many words at its end, at least. It ends with a sentence or a clause when that keeps half of the words that
 * may stay. Undefined: no word would be left.
 */
export function withoutWords(text: string, cutWords: number): string | undefined {
  const segments = Array.from(words.segment(text));
  const starts = segments.filter(({ isWordLike }) => isWordLike === true);
  const kept = starts.length - cutWords;
  const next = starts[kept];
  if (kept <= 0 || next === undefined) return undefined;
  const allowed = text.slice(0, next.index);
  const half = starts[Math.floor(kept / 2)]?.index ?? 0;
  const pause = [...allowed.matchAll(new RegExp(PAUSE, 'gu'))].findLast(
    ({ index }) => index > half && !/\p{N}/u.test(text[index + 1] ?? ''),
  );
  if (pause === undefined) return `${allowed.trimEnd()}.`;
  const ended = text.slice(0, pause.index);
  return CLAUSE.test(pause[0]) ? `${ended}.` : `${ended}${pause[0]}`;
}

/**
 * Spreads a script over scenes by their durations: each scene gets whole sentences, or whole words when there are fewer sentences
 * than scenes. Texts may be empty.
 */
export function spreadScript(script: string, durations: readonly number[]): string[] {
  const sentences = Array.from(
    new Intl.Segmenter(undefined, { granularity: 'sentence' }).segment(script),
    ({ segment }) => segment,
  );
  const parts =
    sentences.length >= durations.length ? sentences : Array.from(words.segment(script), ({ segment }) => segment);
  const total = durations.reduce((sum, seconds) => sum + seconds, 0);
  const texts = durations.map(() => '');
  let before = 0;
  for (const part of parts) {
    // The middle of the part decides.
    const at = ((before + part.length / 2) / script.length) * total;
    before += part.length;
    let [index, end] = [0, durations[0] ?? 0];
    while (at > end && index + 1 < durations.length) {
      index += 1;
      end += durations[index] ?? 0;
    }
    texts[index] = `${texts[index] ?? ''}${part}`;
  }
  return texts.map((text) => text.trim());
}

/** The plan with a script of the whole video in place of its own scripts. Undefined: the plan as it is. */
export function withScript(plan: Plan, script: string | undefined): Plan {
  if (script === undefined) return plan;
  const texts = spreadScript(
    script,
    plan.scenes.map(({ durationSeconds }) => durationSeconds),
  );
  const scenes = plan.scenes.map(({ script: _own, ...scene }, index) => {
    const text = cutText(texts[index] ?? '', SCENE_SCRIPT);
    return isSpeakable(text) ? { ...scene, script: text } : scene;
  });
  return { ...plan, scenes };
}
