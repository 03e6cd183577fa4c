import { createHash } from 'node:crypto';
import { type Framework, FRAMEWORK_ROLES, FRAMEWORKS, type PlanDraft } from '@clipmesh/contracts';
import { draftFromPrompt } from '@clipmesh/pipeline';

export interface PlanBrief {
  readonly framework: Framework;
  readonly scenes: number;
  readonly durationSeconds: number;
  readonly prompt: string;
}

/** The text between the tags that mark it as data, or the whole text when there are none. */
const withinTags = (text: string): string => /^\s*<(\w+)>(.*)<\/\1>\s*$/s.exec(text)?.[2]?.trim() ?? text;

/** Reads the lines `framework: PAS`, `scenes: 4` and `durationSeconds: 20` from the system message. */
export function readBrief(system: string, prompt: string): PlanBrief {
  const line = (name: string): string | undefined =>
    new RegExp(`^\\W*${name}\\s*:\\s*"?(\\w+)`, 'im').exec(system)?.[1];
  const requested = line('framework')?.toUpperCase();
  const framework = FRAMEWORKS.find((known) => known === requested) ?? 'PAS';
  const scenes = Number(line('scenes')) || FRAMEWORK_ROLES[framework].length;
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

/** Writes a plan by the rules of the templates. The same brief gives the same plan. */
export function writePlan({ framework, scenes, durationSeconds, prompt }: PlanBrief): PlanDraft {
  const seed = createHash('sha256').update(prompt).digest()[0] ?? 0;
  const draft = draftFromPrompt({ prompt, framework, durations: splitSeconds(durationSeconds, scenes), seed });
  // A model answers every field of the schema.
  return draft.product === undefined
    ? draft
    : {
        ...draft,
        product: {
          ...draft.product,
          audience: draft.product.audience ?? '',
          callToAction: draft.product.callToAction ?? '',
        },
      };
}
