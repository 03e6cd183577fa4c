import {
  cutText,
  type Job,
  type Plan,
  type PlanDraft,
  planShape,
  type Product,
  SCENE_SECONDS,
  type ScenePlan,
  type Transition,
} from '@clipmesh/contracts';
import { evenDurations, fitDurations, rolesFor } from './plan.rules.js';
import { musicFor, productOf, scriptFor, transitionFor } from './product.rules.js';

const clean = (text: string): string => text.replace(/\s+/gu, ' ').trim();

function overlayOf(job: Job, text: string, index: number, count: number): Pick<ScenePlan, 'overlay'> {
  const words = cutText(clean(text), 120);
  if (!job.overlays || words === '') return {};
  return {
    overlay: {
      text: words,
      position: index === count - 1 ? 'center' : 'bottom',
      fontSizePt: 56,
      color: '#ffffff',
      animation: index === count - 1 ? 'slide' : 'fade',
      shadow: true,
    },
  };
}

/** The first sentence of a text, cut to `max`. */
const firstSentence = (text: string, max: number): string => cutText(/^.*?[.!?](?=\s|$)/u.exec(text)?.[0] ?? text, max);

/**
 * The scenes of a draft, as many as the plan rules allow; undefined when the draft has too few. From too many, it takes the
 * first ones and the last one, which asks to buy. It accepts fewer than the rules propose when the job names no count and
 * they can fill its duration.
 */
function scenesFor(job: Job, draft: PlanDraft, sceneCount: number): PlanDraft['scenes'] | undefined {
  const scenes = draft.scenes.filter(({ description }) => clean(description) !== '');
  if (scenes.length >= sceneCount) return [...scenes.slice(0, sceneCount - 1), ...scenes.slice(-1)];
  const fills = scenes.length * SCENE_SECONDS.max >= job.durationSeconds;
  return job.sceneCount === undefined && fills ? scenes : undefined;
}

/**
 * Makes a plan from a model's draft. Roles, durations and the number of scenes follow the plan rules, whatever the draft
 * says. The prompt fills what the draft leaves empty. Returns undefined when the draft has too few scenes.
 */
export function planFromDraft(job: Job, draft: PlanDraft): Plan | undefined {
  const { framework, sceneCount } = planShape(job);
  const scenes = scenesFor(job, draft, sceneCount);
  if (scenes === undefined) return undefined;
  const { length: count } = scenes;
  const subject = firstSentence(clean(job.prompt), 300);
  const durations = fitDurations(
    job.durationSeconds,
    scenes.map((scene) => scene.durationSeconds),
  );
  const roles = rolesFor(framework, count);
  const product = draftedProduct(draft, productOf(clean(job.prompt)));
  return {
    title: cutText(clean(draft.title) || subject, 200),
    framework,
    source: 'llm',
    style: {
      style: cutText(draft.style.style, 200),
      palette: cutText(draft.style.palette, 200),
      lighting: cutText(draft.style.lighting, 200),
      composition: cutText(draft.style.composition, 200),
      mood: cutText(draft.style.mood, 200),
      subject: cutText(clean(draft.style.subject) || subject, 400),
    },
    seed: job.seed,
    durationSeconds: job.durationSeconds,
    scenes: scenes.map((scene, index) => ({
      index,
      role: roles[index] ?? 'scene',
      description: cutText(clean(scene.description), 2000),
      durationSeconds: durations[index] ?? 0,
      ...overlayOf(job, scene.overlayText, index, count),
      ...scriptOf(clean(scene.script ?? '') || clean(scene.overlayText)),
      ...transitionOf(index, scene.transition ?? transitionFor(roles[index] ?? '')),
    })),
    music: draft.music ?? { mood: musicFor(job.prompt) },
    product,
  };
}

/** The product as the draft describes it, completed from the prompt. */
function draftedProduct({ product: drafted }: PlanDraft, found: Product): Product {
  if (drafted === undefined || clean(drafted.name) === '') return found;
  const benefits = drafted.benefits.map(clean).filter((benefit) => benefit !== '');
  const [audience, callToAction] = [clean(drafted.audience ?? ''), clean(drafted.callToAction ?? '')];
  return {
    ...found,
    name: clean(drafted.name),
    benefits: benefits.length === 0 ? found.benefits : benefits,
    ...(audience === '' ? {} : { audience }),
    ...(callToAction === '' ? {} : { callToAction }),
  };
}

const scriptOf = (script: string): Pick<ScenePlan, 'script'> => (script === '' ? {} : { script: cutText(script, 400) });
const transitionOf = (index: number, transition: Transition): Pick<ScenePlan, 'transition'> =>
  index === 0 ? {} : { transition };

const SHOTS: Readonly<Record<string, { shot: string; line: string }>> = {
  problem: {
    shot: 'A relatable person struggles with an everyday frustration, close-up on the face and hands',
    line: 'Sound familiar?',
  },
  agitate: {
    shot: 'The frustration grows: time is lost, things pile up, quick restless camera',
    line: 'It only gets worse.',
  },
  solution: {
    shot: 'The product appears and everything turns easy, confident hero shot, warm relief',
    line: 'There is a better way.',
  },
  before: { shot: 'The ordinary day before: grey, slow, something is clearly missing', line: 'Before' },
  after: { shot: 'The same place transformed: bright, effortless, people smiling', line: 'After' },
  bridge: { shot: 'The product in use bridges the two worlds, smooth tracking shot', line: 'Here is how.' },
  attention: {
    shot: 'A striking opening image that stops the scroll, bold movement towards the camera',
    line: 'Look at this.',
  },
  interest: { shot: 'The product in its setting, a detail is revealed, slow push-in', line: 'Made with care.' },
  desire: { shot: 'A person enjoys the product, golden moment, shallow depth of field', line: 'You will love it.' },
  action: { shot: 'The product centred as a hero, clean background, inviting final frame', line: 'Get yours today.' },
};
const ANGLES = [
  'wide shot',
  'close-up',
  'over-the-shoulder shot',
  'low-angle shot',
  'top-down shot',
  'tracking shot',
] as const;

/** Makes a plan without a language model, from the framework's steps and the prompt. Accepts every valid duration. */
export function planFromTemplate(job: Job): Plan {
  const { framework, sceneCount } = planShape(job);
  const text = clean(job.prompt);
  const subject = firstSentence(text, 300);
  const durations = evenDurations(job.durationSeconds, sceneCount);
  const product = productOf(text);
  return {
    title: cutText(subject, 80),
    framework,
    source: 'template',
    style: {
      style: 'cinematic commercial',
      palette: 'rich, warm, high contrast',
      lighting: 'soft key light with natural highlights',
      composition: 'centred subject, clean background, room for text',
      mood: 'confident and upbeat',
      subject,
    },
    seed: job.seed,
    durationSeconds: job.durationSeconds,
    scenes: rolesFor(framework, sceneCount).map((role, index) => {
      const { shot, line } = SHOTS[role] ?? { shot: 'The product in use', line: '' };
      return {
        index,
        role,
        description: `${shot}, ${ANGLES[index % ANGLES.length] ?? 'wide shot'}. ${cutText(text, 1500)}`,
        durationSeconds: durations[index] ?? 0,
        ...overlayOf(job, line, index, sceneCount),
        ...scriptOf(scriptFor(product, line, index, durations[index] ?? 0)),
        ...transitionOf(index, transitionFor(role)),
      };
    }),
    music: { mood: musicFor(text) },
    product,
  };
}
