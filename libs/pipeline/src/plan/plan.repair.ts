import { cleanText, cutText, MUSIC_MOODS, type PlanDraft, TRANSITIONS } from '@clipmesh/contracts';
import { findJson } from './json.reader.js';

/** A draft, or why there is none. `unclosed`: the answer ends inside its JSON. */
export type RepairedPlan =
  | { readonly kind: 'draft'; readonly draft: PlanDraft }
  | { readonly kind: 'none'; readonly problem: string; readonly unclosed: boolean };

/** Names that models use for a field, without case, spaces and punctuation. The first one with a value wins. */
const NAMES = {
  title: ['title', 'headline', 'name', 'videotitle', 'adtitle'],
  look: ['style', 'look', 'visualstyle', 'sharedstyle', 'globalstyle', 'styleguide'],
  scenes: ['scenes', 'scene', 'shots', 'clips', 'segments', 'storyboard'],
  description: [
    ...['description', 'visualdescription', 'scenedescription', 'visual', 'visuals', 'videoprompt', 'visualprompt'],
    ...['prompt', 'shot', 'action', 'scene', 'content'],
  ],
  seconds: ['durationseconds', 'duration', 'durationinseconds', 'durationsec', 'seconds', 'length', 'timing', 'time'],
  start: ['start', 'starttime', 'startseconds', 'from'],
  end: ['end', 'endtime', 'endseconds', 'to'],
  overlay: ['overlaytext', 'overlay', 'onscreentext', 'textoverlay', 'screentext', 'caption', 'text', 'copy'],
  role: ['role', 'step', 'stage', 'beat', 'phase', 'purpose'],
  script: ['script', 'voiceover', 'voiceoverscript', 'vo', 'narration', 'narrator', 'spokentext', 'dialogue', 'dialog'],
  transition: ['transition', 'transitionin', 'transitionfromprevious', 'cut'],
  music: ['music', 'musicmood', 'soundtrack', 'backgroundmusic'],
  mood: ['mood', 'genre', 'style', 'tone'],
  product: ['product', 'brand', 'offer'],
  name: ['name', 'title', 'productname', 'brand'],
  benefits: ['benefits', 'features', 'sellingpoints', 'keybenefits'],
  audience: ['audience', 'targetaudience', 'target'],
  callToAction: ['calltoaction', 'cta', 'action'],
  text: ['text', 'value', 'content', 'description'],
} as const;
const STYLE_NAMES = {
  style: ['style', 'visualstyle', 'look', 'aesthetic'],
  palette: ['palette', 'colorpalette', 'colourpalette', 'colors', 'colours', 'color', 'colour'],
  lighting: ['lighting', 'light'],
  composition: ['composition', 'framing', 'camera'],
  mood: ['mood', 'tone', 'atmosphere', 'feeling'],
  subject: ['subject', 'product', 'hero'],
} as const satisfies Record<keyof PlanDraft['style'], readonly string[]>;

/** Length of a scene without one, seconds. The plan rules fit all lengths to the requested total. */
const DEFAULT_SECONDS = 4;
/** Maximum depth of wrappers around a plan, and of JSON in strings. */
const MAX_WRAPPERS = 4;
const MAX_SCENES = 50;

type Fields = ReadonlyMap<string, unknown>;
const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const fieldsOf = (value: object): Fields =>
  new Map(
    Object.entries(value)
      .map(([name, entry]) => [name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, ''), entry] as const)
      .reverse(),
  );
const pick = (fields: Fields, names: readonly string[]): unknown =>
  names.map((name) => fields.get(name)).find((value) => value !== undefined && value !== null && value !== '');

/** The text of any value. Items of lists and objects are joined with commas. */
function textOf(value: unknown, level = 0): string {
  if (typeof value === 'string') return cleanText(value).replace(/\s+/gu, ' ').trim();
  if (typeof value === 'number') return String(value);
  if (typeof value !== 'object' || value === null || level > MAX_WRAPPERS) return '';
  const named = Array.isArray(value) ? undefined : pick(fieldsOf(value), NAMES.text);
  if (named !== undefined) return textOf(named, level + 1);
  return Object.values(value)
    .map((part) => textOf(part, level + 1))
    .filter((part) => part !== '')
    .join(', ');
}

/** The text of any value without Markdown marks, for display. */
const plainTextOf = (value: unknown): string =>
  textOf(value)
    .replace(/\*\*|__|`/gu, '')
    .trim();

const CLOCK = String.raw`(?:(\d+):)?(\d+(?:[.,]\d+)?)\s*(ms\b|s\b|sec\w*|)`;
const LENGTH = new RegExp(String.raw`^\D*?${CLOCK}(?:\s*(?:-|–|—|to|→)\s*${CLOCK})?`, 'iu');
const secondsIn = (minutes: string | undefined, count: string | undefined, unit: string | undefined): number =>
  (Number(minutes ?? 0) * 60 + Number((count ?? '').replace(',', '.'))) / (unit?.toLowerCase() === 'ms' ? 1000 : 1);

/** `4`, `4.5`, `"4"`, `"4s"`, `"0:04"`, `"4-8 s"` (the time between), `4000` (ms), `{ seconds: 4 }`; undefined without a number. */
function secondsOf(value: unknown, level = 0): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? (value >= 500 ? value / 1000 : value) : undefined;
  if (typeof value === 'string') {
    const [, minutes, count, unit, toMinutes, toCount, toUnit] = LENGTH.exec(value) ?? [];
    if (count === undefined) return undefined;
    const from = secondsIn(minutes, count, unit);
    if (toCount === undefined) return secondsOf(from);
    return secondsOf(Math.max(0, secondsIn(toMinutes, toCount, toUnit) - from));
  }
  if (typeof value !== 'object' || value === null || level > MAX_WRAPPERS) return undefined;
  if (Array.isArray(value)) return secondsOf(value[0], level + 1);
  return lengthOf(fieldsOf(value), level + 1) ?? secondsOf(Object.values(value)[0], level + 1);
}

function lengthOf(fields: Fields, level = 0): number | undefined {
  const seconds = secondsOf(pick(fields, NAMES.seconds), level);
  if (seconds !== undefined) return seconds;
  const [start, end] = [secondsOf(pick(fields, NAMES.start), level), secondsOf(pick(fields, NAMES.end), level)];
  return end === undefined ? undefined : end - (start ?? 0);
}

/** The entry of a list that a model means: `Cross-fade`, `a dip to black`. Undefined when it means none. */
function oneOf<T extends string>(list: readonly T[], text: string): T | undefined {
  const letters = text.toLowerCase().replace(/[^\p{L}]|\bto\b/gu, '');
  return list.find((entry) => letters.includes(entry.replace('-', '')));
}

/** The properties that have a value. */
const given = <T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined && value !== '')) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };

function productOf(value: unknown): PlanDraft['product'] {
  if (!isObject(value)) return undefined;
  const fields = fieldsOf(value);
  const list = pick(fields, NAMES.benefits);
  const benefits = (Array.isArray(list) ? (list as unknown[]) : [list])
    .map((entry) => cutText(plainTextOf(entry), 160))
    .filter((entry) => entry !== '');
  const name = cutText(plainTextOf(pick(fields, NAMES.name)), 80);
  if (name === '') return undefined;
  return {
    name,
    benefits: benefits.slice(0, 6),
    ...given({
      audience: cutText(plainTextOf(pick(fields, NAMES.audience)), 120),
      callToAction: cutText(plainTextOf(pick(fields, NAMES.callToAction)), 120),
    }),
  };
}

function musicOf(value: unknown): PlanDraft['music'] {
  const mood = oneOf(MUSIC_MOODS, textOf(isObject(value) ? pick(fieldsOf(value), NAMES.mood) : value));
  return mood && { mood };
}

type Scene = PlanDraft['scenes'][number];

/** A scene from whatever the model wrote for one; undefined without a description. */
function sceneOf(value: unknown): Scene | undefined {
  const fields: Fields = isObject(value) ? fieldsOf(value) : new Map([['description', value]]);
  const description = cutText(textOf(pick(fields, NAMES.description)), 2000);
  if (description === '') return undefined;
  const seconds = Math.round(lengthOf(fields) ?? DEFAULT_SECONDS);
  return {
    role: cutText(textOf(pick(fields, NAMES.role)).toLowerCase(), 40),
    description,
    durationSeconds: Math.min(60, Math.max(1, seconds)),
    overlayText: cutText(plainTextOf(pick(fields, NAMES.overlay)), 200),
    ...given({
      script: cutText(plainTextOf(pick(fields, NAMES.script)), 400),
      transition: oneOf(TRANSITIONS, textOf(pick(fields, NAMES.transition))),
    }),
  };
}

const numberIn = (name: string): number => Number(/\d+/u.exec(name)?.[0] ?? Number.NaN);

/** The scenes in a list, an object of scenes (`{ scene1: … }`), a list within an object, or JSON in a string. */
function scenesOf(value: unknown): Scene[] {
  if (typeof value === 'string') return findJson(value).values.flatMap(scenesOf);
  if (Array.isArray(value)) return value.slice(0, MAX_SCENES).flatMap((entry) => sceneOf(entry) ?? []);
  if (!isObject(value)) return [];
  if (typeof pick(fieldsOf(value), NAMES.description) === 'string') return scenesOf([value]);
  const entries = Object.entries(value as Readonly<Record<string, unknown>>);
  const list = entries.find(([, entry]) => Array.isArray(entry));
  if (list !== undefined) return scenesOf(list[1]);
  const objects = entries.filter(([, entry]) => isObject(entry));
  const isNumbered = objects.every(([name]) => !Number.isNaN(numberIn(name)));
  if (isNumbered) objects.sort(([a], [b]) => numberIn(a) - numberIn(b));
  return scenesOf(objects.map(([, entry]) => entry));
}

function styleOf(fields: Fields): PlanDraft['style'] {
  const look = pick(fields, NAMES.look);
  const own = isObject(look) ? fieldsOf(look) : new Map([['style', look]]);
  const marker = (name: keyof PlanDraft['style'], max: number): string =>
    cutText(textOf(pick(own, STYLE_NAMES[name]) ?? (name === 'style' ? '' : pick(fields, STYLE_NAMES[name]))), max);
  return {
    style: marker('style', 200),
    palette: marker('palette', 200),
    lighting: marker('lighting', 200),
    composition: marker('composition', 200),
    mood: marker('mood', 200),
    subject: marker('subject', 400),
  };
}

/** The draft in a value: a plan, a plan in a wrapper or in a string, or a bare list of scenes. */
function draftOf(value: unknown, level = 0): PlanDraft | undefined {
  if (level > MAX_WRAPPERS) return undefined;
  if (typeof value === 'string') return lastOf(findJson(value).values, level + 1);
  if (Array.isArray(value)) {
    const plan = value.length === 1 ? draftOf(value[0], level + 1) : undefined;
    if (plan !== undefined) return plan;
    const scenes = value.every(isObject) ? scenesOf(value) : [];
    const isList = scenes.length > 0 && scenes.length === Math.min(value.length, MAX_SCENES);
    return isList ? { title: '', style: styleOf(new Map()), scenes } : lastOf(value, level + 1);
  }
  if (!isObject(value)) return undefined;
  const fields = fieldsOf(value);
  const scenes = scenesOf(pick(fields, NAMES.scenes));
  if (scenes.length === 0) return lastOf(Object.values(value), level + 1);
  return {
    title: cutText(plainTextOf(pick(fields, NAMES.title)), 200),
    style: styleOf(fields),
    scenes,
    ...given({ music: musicOf(pick(fields, NAMES.music)), product: productOf(pick(fields, NAMES.product)) }),
  };
}

/** The last value that is a plan. Earlier ones are examples or first tries. */
const lastOf = (values: readonly unknown[], level: number): PlanDraft | undefined =>
  values
    .slice(-MAX_SCENES)
    .map((value) => draftOf(value, level))
    .findLast((draft) => draft !== undefined);

/** The end of a model's reasoning. The opening tag is often missing. */
const REASONING_END =
  /<\/(?:\w+:)?(?:think|thinking|thought|reasoning)>|\[\/THINK\]|<\|channel\|>final(?: \S+)?<\|message\|>/giu;

function withoutReasoning(text: string): string {
  const end = [...text.matchAll(REASONING_END)].at(-1);
  return end === undefined ? text : text.slice(end.index + end[0].length);
}

/**
 * Extracts a draft from a language model's answer and repairs it where its meaning is clear: fences, reasoning and prose
 * around the JSON, commas, other field names and shapes, lengths as strings, overlong texts (cut by {@link cutText}). The
 * draft fits `planDraftSchema`. The plan rules decide the number of scenes and their lengths later.
 */
export function repairPlan(answer: string): RepairedPlan {
  const text = answer.trim();
  const answered = withoutReasoning(text);
  // An answer that begins with JSON may contain the reasoning tags in its texts.
  const readings = [...new Set(text.startsWith('{') ? [text, answered] : [answered, text])].map(findJson);
  for (const { values, unclosed } of readings) {
    const draft = unclosed ? undefined : lastOf(values, 0);
    if (draft !== undefined) return { kind: 'draft', draft };
  }
  const [{ values, unclosed } = { values: [], unclosed: false }] = readings;
  const problem = unclosed
    ? 'the JSON of the plan is truncated'
    : values.length === 0
      ? 'the plan is not JSON'
      : 'no scene of the plan has a description';
  return { kind: 'none', problem, unclosed };
}
