import { createHash } from 'node:crypto';
import { cutText } from '@clipmesh/contracts';

export interface PlanBrief {
  readonly framework: string;
  readonly scenes: number;
  readonly durationSeconds: number;
  readonly prompt: string;
}

export interface WrittenPlan {
  readonly title: string;
  readonly style: Readonly<Record<'style' | 'palette' | 'lighting' | 'composition' | 'mood' | 'subject', string>>;
  readonly scenes: readonly { role: string; description: string; durationSeconds: number; overlayText: string }[];
}

const ROLES: Readonly<Record<string, readonly string[]>> = {
  PAS: ['problem', 'agitate', 'solve'],
  BAB: ['before', 'after', 'bridge'],
  AIDA: ['attention', 'interest', 'desire', 'action'],
};

const BEATS: Readonly<Record<string, { seen: string; text: string }>> = {
  problem: { seen: 'an everyday moment goes wrong without', text: 'Sound familiar?' },
  agitate: { seen: 'the trouble grows while nobody reaches for', text: 'It only gets worse' },
  solve: { seen: 'relief arrives together with', text: 'There is a better way' },
  before: { seen: 'a dull, grey day before', text: 'Before' },
  after: { seen: 'the same day turned bright by', text: 'After' },
  bridge: { seen: 'the step from one to the other is', text: 'Here is how' },
  attention: { seen: 'a bold, surprising first look at', text: 'Look at this' },
  interest: { seen: 'a revealing detail shows what is special about', text: 'Made differently' },
  desire: { seen: 'people visibly enjoying', text: 'You will want it' },
  action: { seen: 'an inviting final view of', text: 'Try it today' },
};

const SHOTS = [
  'Wide establishing shot',
  'Slow push-in',
  'Close-up',
  'Low-angle tracking shot',
  'Overhead shot',
  'Over-the-shoulder shot',
  'Handheld medium shot',
  'Macro shot',
  'Slow pan',
  'Orbiting shot',
  'Static symmetrical shot',
  'Slow pull-back',
] as const;

const LOOKS = [
  {
    style: 'clean commercial photography',
    palette: 'teal and warm orange',
    lighting: 'soft daylight',
    mood: 'optimistic',
  },
  { style: 'cinematic realism', palette: 'deep blue and gold', lighting: 'low golden-hour sun', mood: 'confident' },
  {
    style: 'bright studio look',
    palette: 'white with one vivid accent',
    lighting: 'even studio light',
    mood: 'playful',
  },
  {
    style: 'documentary realism',
    palette: 'earthy greens and browns',
    lighting: 'natural window light',
    mood: 'honest',
  },
] as const;

/** The text between the tags that mark it as data, or the whole text when there are none. */
const withinTags = (text: string): string => /^\s*<(\w+)>(.*)<\/\1>\s*$/s.exec(text)?.[2]?.trim() ?? text;

/** Reads the lines `framework: PAS`, `scenes: 4` and `durationSeconds: 20` from the system message. */
export function readBrief(system: string, prompt: string): PlanBrief {
  const line = (name: string): string | undefined =>
    new RegExp(`^\\W*${name}\\s*:\\s*"?(\\w+)`, 'im').exec(system)?.[1];
  const framework = line('framework')?.toUpperCase() ?? 'PAS';
  const scenes = Number(line('scenes')) || (ROLES[framework]?.length ?? 3);
  return {
    framework,
    scenes: Math.min(24, Math.max(1, Math.floor(scenes))),
    durationSeconds: Number(line('durationSeconds')) || scenes * 5,
    prompt: withinTags(prompt),
  };
}

/** Splits the total into whole seconds of 3-7 each. The sum is clamped to what 3-7 allow. */
export function splitSeconds(total: number, count: number): number[] {
  const sum = Math.min(7 * count, Math.max(3 * count, Math.round(total)));
  const base = Math.floor(sum / count);
  return Array.from({ length: count }, (_, index) => base + (index < sum - base * count ? 1 : 0));
}

/** The first sentence, truncated at a word to 100 characters. */
export function subjectOf(prompt: string): string {
  const sentence = /^[^.!?\n]+/.exec(prompt.trim())?.[0].trim() ?? 'the product';
  return cutText(sentence, 100);
}

/** Writes a plan. The same brief gives the same plan; all scene descriptions differ. */
export function writePlan({ framework, scenes, durationSeconds, prompt }: PlanBrief): WrittenPlan {
  const subject = subjectOf(prompt);
  const roles = ROLES[framework] ?? ['problem', 'agitate', 'solve'];
  const { mood, ...look } = LOOKS[(createHash('sha256').update(prompt).digest()[0] ?? 0) % LOOKS.length] ?? LOOKS[0];
  const title = subject.replace(/^\p{Ll}/u, (letter) => letter.toUpperCase());
  return {
    title: cutText(title, 80),
    style: { ...look, composition: 'rule of thirds, room for text in the lower third', mood, subject },
    scenes: splitSeconds(durationSeconds, scenes).map((seconds, index) => {
      const at = scenes === 1 ? roles.length - 1 : Math.round((index * (roles.length - 1)) / (scenes - 1));
      const role = roles[at] ?? 'solve';
      const beat = BEATS[role] ?? { seen: 'a view of', text: 'See for yourself' };
      const take = index < SHOTS.length ? '' : ` (take ${Math.floor(index / SHOTS.length) + 1})`;
      const shot = `${SHOTS[index % SHOTS.length] ?? SHOTS[0]}${take}`;
      return {
        role,
        description: `${shot}: ${beat.seen} ${subject}`,
        durationSeconds: seconds,
        overlayText: beat.text,
      };
    }),
  };
}
