import {
  cutText,
  drawableText,
  type Job,
  type Plan,
  type PlanDraft,
  planShape,
  SCENE_SECONDS,
  type ScenePlan,
  TEXT_LOOKS,
  type Transition,
} from '@clipmesh/contracts';
import { evenDurations, fitDurations, rolesFor } from './plan.rules.js';
import { copyFor, fitScript } from './copy/copy.rules.js';
import { lookFor, transitionFor } from './copy/look.rules.js';
import { type PromptBrief, readBrief } from './copy/product.reader.js';
import { draftFromPrompt } from './plan.template.js';

const clean = (text: string): string => text.replace(/\s+/gu, ' ').trim();

function overlayOf(job: Job, text: string, index: number, count: number): Pick<ScenePlan, 'overlay'> {
  // What cannot be drawn is left out before anybody reads the plan, so that the plan shows what the video will.
  const words = cutText(clean(drawableText(text)), 120);
  if (!job.overlays || words === '') return {};
  return {
    overlay: {
      text: words,
      position: index === count - 1 ? 'center' : 'bottom',
      fontSizePt: 56,
      color: '#ffffff',
      animation: index === count - 1 ? 'slide' : 'fade',
      shadow: true,
      ...(job.look === undefined ? {} : { look: job.look, ...TEXT_LOOKS[job.look] }),
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
  const scenes = scenesFor(job, draft, planShape(job).sceneCount);
  return scenes && assemble(job, draft, scenes);
}

function assemble(job: Job, draft: PlanDraft, scenes: PlanDraft['scenes']): Plan {
  const { framework } = planShape(job);
  const { length: count } = scenes;
  const subject = firstSentence(clean(job.prompt), 300);
  const look = lookFor(job.prompt);
  const durations = fitDurations(
    job.durationSeconds,
    scenes.map((scene) => scene.durationSeconds),
  );
  const roles = rolesFor(framework, count);
  const brief = briefOf(draft, readBrief(job.prompt));
  const mood = draft.music?.mood ?? look.music;
  const copy = copyFor(
    brief,
    roles.map((role, index) => ({ role, seconds: durations[index] ?? 0 })),
    job.seed,
  );
  return {
    title: cutText(clean(draft.title) || subject, 200),
    framework,
    source: 'llm',
    style: {
      style: cutText(clean(draft.style.style) || look.style, 200),
      palette: cutText(clean(draft.style.palette) || look.palette, 200),
      lighting: cutText(clean(draft.style.lighting) || look.lighting, 200),
      composition: cutText(draft.style.composition, 200),
      mood: cutText(clean(draft.style.mood) || look.mood, 200),
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
      ...scriptOf(fitScript(clean(scene.script ?? ''), durations[index] ?? 0) || (copy[index]?.script ?? '')),
      ...transitionOf(
        index,
        job.transition ?? scene.transition ?? transitionFor(roles[index] ?? '', roles[index - 1], mood),
      ),
    })),
    music: { mood },
    product: brief.product,
  };
}

/** The product as the draft describes it, completed from the prompt. */
function briefOf({ product: drafted }: PlanDraft, found: PromptBrief): PromptBrief {
  if (drafted === undefined || clean(drafted.name) === '') return found;
  const benefits = drafted.benefits.map(clean).filter((benefit) => benefit !== '');
  const [audience, callToAction] = [clean(drafted.audience ?? ''), clean(drafted.callToAction ?? '')];
  const product = {
    ...found.product,
    name: clean(drafted.name),
    ...(benefits.length === 0 ? {} : { benefits }),
    ...(audience === '' ? {} : { audience }),
    ...(callToAction === '' ? {} : { callToAction }),
  };
  const own = benefits.map((text) => ({ text, isVerbal: false }));
  return { ...found, isNamed: true, product, benefits: own.length === 0 ? found.benefits : own };
}

const scriptOf = (script: string): Pick<ScenePlan, 'script'> => (script === '' ? {} : { script: cutText(script, 400) });
const transitionOf = (index: number, transition: Transition): Pick<ScenePlan, 'transition'> =>
  index === 0 ? {} : { transition };

/** Makes a plan without a language model, from the framework's steps and the prompt. Accepts every valid duration. */
export function planFromTemplate(job: Job): Plan {
  const { framework, sceneCount } = planShape(job);
  const durations = evenDurations(job.durationSeconds, sceneCount);
  const draft = draftFromPrompt({ prompt: job.prompt, framework, durations, seed: job.seed });
  return { ...assemble(job, draft, draft.scenes), source: 'template' };
}
