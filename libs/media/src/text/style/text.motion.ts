/** What one picture of a moving text shows, from its frame on. */
export interface TextState {
  /** Frame of the scene. */
  readonly frame: number;
  /** 0-1 */
  readonly opacity: number;
  /** Below its place, in sizes of the font. */
  readonly drop: number;
  readonly scale: number;
  /** Words that can be seen: the first `shown` ones, the last of them with `newest` of its opacity. Undefined: all. */
  readonly words?: { readonly shown: number; readonly newest: number; readonly isHighlighted: boolean };
}
export type Entrance = 'fade' | 'slide' | 'pop' | 'words' | 'none';
export type Exit = 'fade' | 'slide' | 'none';
export interface Motion {
  readonly entrance: Entrance;
  readonly exit: Exit;
  /** Whether the newest word has its own colour until the next one comes. */
  readonly highlights: boolean;
}

const ENTRANCE_SECONDS = 0.5;
const EXIT_SECONDS = 0.35;
/** An entrance or exit takes at most this share of the scene. */
const MAX_SHARE = 0.35;
/** Way of a slide, in sizes of the font. */
export const SLIDE_DROP = 0.8;
/** Largest scale of a `pop`. */
export const POP_SCALE = 1.05;
const WORD_SECONDS = 0.34;
/** The last word has come when this share of the scene is over. */
const WORDS_SHARE = 0.6;
/** Words that come in at most this many steps; of a longer text, several come at once. */
const MAX_STEPS = 24;

const STILL = { opacity: 1, drop: 0, scale: 1 } as const;
const easeOut = (progress: number): number => 1 - (1 - progress) ** 3;
/** From 0.6 over `POP_SCALE` to 1. */
const pop = (progress: number): number =>
  progress < 0.7
    ? 0.6 + (POP_SCALE - 0.6) * easeOut(progress / 0.7)
    : POP_SCALE - ((POP_SCALE - 1) * (progress - 0.7)) / 0.3;

function entering(kind: Exclude<Entrance, 'words' | 'none'>, progress: number): Omit<TextState, 'frame'> {
  if (kind === 'fade') return { ...STILL, opacity: progress };
  const opacity = Math.min(1, progress * 2);
  if (kind === 'slide') return { ...STILL, opacity, drop: SLIDE_DROP * (1 - easeOut(progress)) };
  return { ...STILL, opacity, scale: pop(progress) };
}

function wordByWord(words: number, frames: number, fps: number, highlights: boolean): TextState[] {
  const steps = Math.max(1, Math.min(words, MAX_STEPS));
  const pace = Math.max(2, Math.min(WORD_SECONDS * fps, (frames * WORDS_SHARE) / steps));
  const states = Array.from({ length: steps }, (_, step) => {
    const frame = Math.floor(step * pace);
    const shown = Math.round(((step + 1) * words) / steps);
    return [
      { ...STILL, frame, words: { shown, newest: 0.5, isHighlighted: highlights } },
      { ...STILL, frame: frame + 1, words: { shown, newest: 1, isHighlighted: highlights } },
    ];
  }).flat();
  return [...states, { ...STILL, frame: Math.floor(steps * pace) }];
}

/**
 * The pictures of a text that stands for `frames` frames, in order, each at another frame. The exit ends with the last frame.
 * Between the entrance and the exit nothing moves, so that one picture is enough.
 */
export function statesOf(
  { entrance, exit, highlights }: Motion,
  words: number,
  frames: number,
  fps: number,
): TextState[] {
  const limit = Math.max(1, Math.floor(frames * MAX_SHARE));
  const states: TextState[] = [];
  if (entrance === 'words') states.push(...wordByWord(words, frames, fps, highlights));
  else if (entrance === 'none') states.push({ ...STILL, frame: 0 });
  else {
    const length = Math.min(limit, Math.round(ENTRANCE_SECONDS * fps));
    for (let frame = 0; frame < length; frame += 1)
      states.push({ frame, ...entering(entrance, (frame + 1) / (length + 1)) });
    states.push({ ...STILL, frame: length });
  }
  if (exit !== 'none') {
    const length = Math.min(limit, Math.round(EXIT_SECONDS * fps));
    for (let step = 1; step <= length; step += 1) {
      const progress = step / (length + 1);
      const drop = exit === 'slide' ? SLIDE_DROP * progress ** 2 : 0;
      states.push({ ...STILL, frame: frames - length + step - 1, opacity: 1 - progress, drop });
    }
  }
  // Of two pictures for one frame, as in a scene of a few frames, the later one counts: the exit over the entrance.
  const byFrame = new Map(states.map((state) => [state.frame, state]));
  return [...byFrame.values()].filter(({ frame }) => frame < frames).sort((one, other) => one.frame - other.frame);
}
