import { cutText, type Framework, type PlanDraft } from '@clipmesh/contracts';
import { copyFor } from './copy/copy.rules.js';
import { lookFor, transitionFor } from './copy/look.rules.js';
import { type PromptBrief, readBrief } from './copy/product.reader.js';
import { plain, small } from './copy/prompt.text.js';
import { describeShot } from './copy/shot.rules.js';
import { rolesFor } from './plan.rules.js';

/** What a draft is written for. */
export interface TemplateBrief {
  readonly prompt: string;
  readonly framework: Framework;
  /** Lengths of the scenes, seconds. */
  readonly durations: readonly number[];
  /** Chooses among phrasings and shots. */
  readonly seed: number;
}

/** The product within a description: its name, with what it is when the prompt says it. */
const inPicture = ({ product, isNamed, isEnglish }: PromptBrief): string =>
  isNamed || !isEnglish ? product.name : `the ${small(product.name)}`;

/**
 * Writes a draft without a language model, by rules: the product, its benefits, the texts, scripts, shots and the look come from the
 * words of the prompt. The same brief gives the same draft. Every script fits into its scene.
 */
export function draftFromPrompt({ prompt, framework, durations, seed }: TemplateBrief): PlanDraft {
  const brief = readBrief(prompt);
  const { music, ...look } = lookFor(prompt);
  const roles = rolesFor(framework, durations.length);
  const scenes = durations.map((seconds, index) => ({ role: roles[index] ?? 'scene', seconds }));
  const copy = copyFor(brief, scenes, seed);
  const { name, benefits } = brief.product;
  return {
    title: cutText(benefits[0] === undefined || !brief.isEnglish ? name : `${name}: ${small(benefits[0])}`, 80),
    style: {
      ...look,
      composition: 'centred subject, clean background, room for text',
      // Every scene refers to this one description.
      subject: cutText(plain(prompt), 400),
    },
    scenes: scenes.map(({ role, seconds }, index) => ({
      role,
      description: describeShot(
        role,
        roles.slice(0, index).filter((one) => one === role).length,
        inPicture(brief),
        seed,
      ),
      durationSeconds: seconds,
      overlayText: copy[index]?.text ?? '',
      script: copy[index]?.script ?? '',
      transition: transitionFor(role, roles[index - 1], music),
    })),
    music: { mood: music },
    product: brief.product,
  };
}
