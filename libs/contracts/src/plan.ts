import { z } from 'zod';
import { DURATION_SECONDS, FRAMEWORKS, SCENE_COUNT, SCENE_SECONDS } from './job.js';
import { writing } from './text.rules.js';

export const overlayTextSchema = z
  .object({
    text: z.string().min(1).max(200),
    position: z.enum(['top', 'center', 'bottom']).default('bottom'),
    /** Points at 720 lines on the short side; one point is one pixel there. */
    fontSizePt: z.int().min(24).max(96).default(56),
    /** `#rrggbb` */
    color: z
      .string()
      .regex(/^#[0-9a-fA-F]{6}$/)
      .default('#ffffff'),
    animation: z.enum(['fade', 'slide', 'none']).default('fade'),
    shadow: z.boolean().default(true),
  })
  .meta({ id: 'OverlayText' });
export type OverlayText = z.infer<typeof overlayTextSchema>;

export const scenePlanSchema = z
  .object({
    index: z.int().nonnegative(),
    /** What the scene does in its framework: problem, agitate, solve … */
    role: z.string().min(1).max(40),
    /** What is seen, without the shared style. */
    description: z.string().min(1).max(2000),
    durationSeconds: z.int().min(SCENE_SECONDS.min).max(SCENE_SECONDS.max),
    overlay: overlayTextSchema.optional(),
  })
  .meta({ id: 'ScenePlan' });
export type ScenePlan = z.infer<typeof scenePlanSchema>;

/** Shared markers that are appended to every clip's prompt, so that the clips look alike. */
export const styleSchema = z
  .object({
    style: z.string().max(200),
    palette: z.string().max(200),
    lighting: z.string().max(200),
    composition: z.string().max(200),
    mood: z.string().max(200),
    subject: z.string().max(400),
  })
  .meta({ id: 'Style' });
export type Style = z.infer<typeof styleSchema>;

/** A language model's proposal, before the plan rules are applied. A text that is missing is empty. */
export const planDraftSchema = z.object({
  title: z.string().max(200),
  style: z.object(styleSchema.shape),
  scenes: z
    .array(
      z.object({
        role: z.string().max(40),
        description: z.string().min(1).max(2000),
        durationSeconds: z.int().min(1).max(60),
        overlayText: z.string().max(200),
      }),
    )
    .min(1)
    .max(50),
});
export type PlanDraft = z.infer<typeof planDraftSchema>;

export const planSchema = z
  .object({
    title: z.string().min(1).max(200),
    framework: z.enum(FRAMEWORKS),
    /** `llm` when a language model wrote it, `template` when it was made without one. */
    source: z.enum(['llm', 'template']),
    style: styleSchema,
    seed: z.int().min(0).max(2_147_483_647),
    durationSeconds: z.int().min(DURATION_SECONDS.min).max(DURATION_SECONDS.max),
    scenes: z.array(scenePlanSchema).min(1).max(SCENE_COUNT.max),
  })
  .meta({ id: 'Plan' });
export type Plan = z.infer<typeof planSchema>;

const { position, fontSizePt, color, animation, shadow } = overlayTextSchema.shape;
/** Without the defaults: what is not named stays. */
const overlayEditSchema = z
  .strictObject({
    text: writing(200),
    position: position.unwrap(),
    fontSizePt: fontSizePt.unwrap(),
    color: color.unwrap(),
    animation: animation.unwrap(),
    shadow: shadow.unwrap(),
  })
  .partial();

const sceneChanges = {
  description: writing(2000).optional(),
  durationSeconds: z.int().min(SCENE_SECONDS.min).max(SCENE_SECONDS.max).optional(),
  /** null takes the text away; a scene without one needs `text`. */
  overlay: overlayEditSchema.nullable().optional(),
};

/** What `PATCH /v1/generations/{id}/plan` takes: what is named changes, the rest stays. */
export const planEditSchema = z
  .strictObject({
    title: writing(200).optional(),
    style: z
      .strictObject({
        style: writing(200),
        palette: writing(200),
        lighting: writing(200),
        composition: writing(200),
        mood: writing(200),
        subject: writing(400),
      })
      .partial()
      .optional(),
    /** The scenes that change, by their index. */
    scenes: z
      .array(z.strictObject({ index: z.int().nonnegative(), ...sceneChanges }))
      .max(SCENE_COUNT.max)
      .optional(),
  })
  .meta({ id: 'PlanEdit' });
export type PlanEdit = z.infer<typeof planEditSchema>;

/** What `POST /v1/generations/{id}/scenes/{n}/regenerate` takes; of the scene what is named changes. */
export const sceneEditSchema = z
  .strictObject({
    ...sceneChanges,
    /** Another seed is another clip; drawn by lot unless told. */
    seed: z.int().min(0).max(2_147_483_647).optional(),
  })
  .meta({ id: 'SceneEdit' });
export type SceneEdit = z.infer<typeof sceneEditSchema>;
