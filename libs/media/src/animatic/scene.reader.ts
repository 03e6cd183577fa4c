import { createHash } from 'node:crypto';
import { cutText } from '@clipmesh/contracts';
import { readBrief } from '@clipmesh/pipeline';
import { coloursIn, fromHue, greyer, luma, type Rgb, saturation } from './colour.rules.js';

export const FRAMINGS = [
  'macro',
  'close-up',
  'hero',
  'medium',
  'wide',
  'top-down',
  'over-the-shoulder',
  'low-angle',
] as const;
export type Framing = (typeof FRAMINGS)[number];
export const MOVES = ['push-in', 'pull-back', 'pan', 'tracking', 'orbit', 'tilt', 'handheld', 'static'] as const;
export type Move = (typeof MOVES)[number];
export const SETTINGS = ['outdoors', 'city', 'room', 'studio'] as const;
export type Setting = (typeof SETTINGS)[number];
export const FORMS = ['cup', 'bottle', 'phone', 'lamp', 'plant', 'shoe', 'car', 'plate', 'box'] as const;
export type Form = (typeof FORMS)[number];

/** What a storyboard artist reads in the prompt of a clip. */
export interface AnimaticScene {
  readonly name: string;
  readonly framing: Framing;
  readonly move: Move;
  readonly isFast: boolean;
  readonly setting: Setting;
  readonly form: Form;
  /** The scene is about the lack of the product. */
  readonly isMissing: boolean;
  readonly isDark: boolean;
  readonly people: 0 | 1 | 2;
  readonly hasHand: boolean;
  readonly base: Rgb;
  readonly accent: Rgb;
  readonly light: Rgb;
  /** 32 random bits that depend on seed and prompt. */
  readonly seed: number;
}

type Words<T> = readonly (readonly [RegExp, T])[];
const FRAMING_WORDS: Words<Framing> = [
  [/\bmacro\b|extreme close/iu, 'macro'],
  [/\bclose[- ]?up\b|\bdetail shot\b/iu, 'close-up'],
  [/\bhero shot\b/iu, 'hero'],
  [/\b(?:top-?down|overhead|bird'?s[- ]eye|flat ?lay)\b/iu, 'top-down'],
  [/\bover[- ]the[- ]shoulder\b/iu, 'over-the-shoulder'],
  [/\blow[- ]angle\b/iu, 'low-angle'],
  [/\b(?:wide|establishing|aerial|landscape) (?:\w+ )?shot\b|\bwide\b/iu, 'wide'],
  [/\bmedium\b/iu, 'medium'],
];
const MOVE_WORDS: Words<Move> = [
  [/\b(?:push(?:es)?[- ]in|zooms? in|dolly in)\b/iu, 'push-in'],
  [/\b(?:pull(?:s)?[- ](?:back|out)|zooms? out|dolly out)\b/iu, 'pull-back'],
  [/\b(?:orbit\w*|circl\w+|360)\b/iu, 'orbit'],
  [/\b(?:tracking|follows?|dolly|travelling)\b/iu, 'tracking'],
  [/\b(?:tilt\w*|crane|rises?)\b/iu, 'tilt'],
  [/\bhand-?held\b|\bshak[ey]/iu, 'handheld'],
  [/\bpan(?:s|ning)?\b/iu, 'pan'],
  [/\bstatic|locked|still\b/iu, 'static'],
];
const SETTING_WORDS: Words<Setting> = [
  [/\bclean background|studio|seamless|hero shot\b/iu, 'studio'],
  [
    /\b(?:outdoor\w*|hik\w+|mountains?|forest|garden|balcon\w+|beach|sea|field|camp\w*|trail|run\w*|solar|sun\w*|nature)\b/iu,
    'outdoors',
  ],
  [/\b(?:city|street|night|neon|skyline|app|software|platform|technology|data|drive|car|traffic|office)\b/iu, 'city'],
  [
    /\b(?:kitchen|room|home|house|table|caf[eé]|coffee|restaurant|food|morning|family|bath\w*|bed\w*|place|tidy|lifestyle)\b/iu,
    'room',
  ],
];
const FORM_WORDS: Words<Form> = [
  [/\b(?:app|software|saas|platform|phone|website|online|course|crm|dashboard|code|service)\b/iu, 'phone'],
  [/\b(?:shoes?|sneakers?|boots?|running)\b/iu, 'shoe'],
  [/\b(?:cars?|suv|vehicles?|van|truck)\b/iu, 'car'],
  [/\b(?:lamps?|lights?|lantern|candles?|bulb)\b/iu, 'lamp'],
  [/\b(?:plants?|flowers?|garden|pot|bouquet|seeds?)\b/iu, 'plant'],
  [/\b(?:coffee|espresso|teas?|latte|mug|cup|kettle|cocoa)\b/iu, 'cup'],
  [
    /\b(?:bottles?|perfume|serum|thermos|juice|drinks?|soda|wine|beer|oil|shampoo|water|lotion|cream|sauce|flask)\b/iu,
    'bottle',
  ],
  [/\b(?:pizza|burgers?|food|restaurant|meal|cake|pasta|cookies?|bread|snacks?|salad)\b/iu, 'plate'],
];
const first = <T>(words: Words<T>, text: string): T | undefined => words.find(([pattern]) => pattern.test(text))?.[1];

/** The text of a marker, as `clipPrompt` of libs/pipeline writes it. */
function marker(label: string, name: string): string {
  const found = new RegExp(
    `\\b${name}: (.*?)(?= (?:Subject|Style|Color palette|Lighting|Composition|Mood): | No text, captions|$)`,
    'su',
  ).exec(label);
  return found?.[1] ?? '';
}

const NAME_LENGTH = 24;

/** Reads the prompt of a clip. Whatever it does not say depends on prompt and seed. */
export function readScene(label: string, clipSeed: number): AnimaticScene {
  const seed = createHash('sha256').update(`${clipSeed}\n${label}`).digest().readUInt32BE(0);
  const any = <T>(list: readonly T[], bits: number): T => list[(seed >>> bits) % list.length] as T;
  const subject = marker(label, 'Subject');
  const shot = label.slice(0, subject === '' ? undefined : label.indexOf(' Subject: ')).trim();
  const style = [marker(label, 'Style'), marker(label, 'Lighting'), marker(label, 'Mood')].join(' ');
  const isMissing = /\b(?:without|missing|is empty|goes wrong)\b/iu.test(shot);
  const palette = coloursIn(marker(label, 'Color palette') || label);
  const hue = (seed >>> 4) % 360;
  const [one = fromHue(hue, 0.4), two = fromHue((hue + 40) % 360, 0.62), three = fromHue((hue + 180) % 360, 0.86)] =
    palette;
  const colours = [one, two, three].map((colour) => (isMissing ? greyer(colour, 0.75) : colour));
  const byLight = [...colours].sort((a, b) => luma(a) - luma(b));
  const byColour = [...colours].sort((a, b) => saturation(b) - saturation(a));
  const base = colours[0] ?? one;
  return {
    name: cutText(readBrief(subject === '' ? shot || 'Clipmesh' : subject).product.name, NAME_LENGTH),
    framing: first(FRAMING_WORDS, shot) ?? any(['close-up', 'medium', 'wide', 'hero'], 8),
    move: first(MOVE_WORDS, shot) ?? any(['push-in', 'pan', 'tracking'], 12),
    isFast: /\b(?:fast|quick|rapid)\b/iu.test(shot),
    setting: first(SETTING_WORDS, shot) ?? first(SETTING_WORDS, `${subject} ${style}`) ?? any(SETTINGS, 16),
    form: first(FORM_WORDS, subject) ?? first(FORM_WORDS, shot) ?? 'box',
    isMissing,
    isDark: /\b(?:dark|night|neon|low-key|mysterious|moody|black)\b/iu.test(
      `${style} ${marker(label, 'Color palette')}`,
    ),
    people: /\b(?:people|friends|family|team|couple)\b/iu.test(shot)
      ? 2
      : /\b(?:person|woman|man|mother|face|runner|customer)\b/iu.test(shot)
        ? 1
        : 0,
    hasHand: /\bhands?\b/iu.test(shot),
    base,
    accent: byColour.find((colour) => colour !== base) ?? two,
    light: byLight.at(-1) ?? three,
    seed,
  };
}

/** The line on the slate: `CLOSE UP · PUSH IN`, after `DRAFT` in a draft. */
export const slateOf = ({ framing, move }: AnimaticScene, isDraft = false): string =>
  [...(isDraft ? ['draft'] : []), framing, move].map((word) => word.replaceAll('-', ' ').toUpperCase()).join('  ·  ');
