import { z } from 'zod';
import { DURATION_SECONDS, FRAMEWORKS, SCENE_COUNT, SCENE_SECONDS } from './job.js';
import { MUSIC_MOODS } from './moods.js';
import { textLookSchema } from './text.look.js';
import { textSchema } from '../text/text.rules.js';
import { TRANSITIONS } from './transition.js';

export const overlayTextSchema = z
  .object({
    text: z.string().min(1).max(200),
    position: z.enum(['top', 'center', 'bottom']).default('bottom'),
    /** Points; one point is one pixel at 720 pixels on the short side. */
    fontSizePt: z.int().min(24).max(96).default(56),
    /** `#rrggbb` */
    color: z
      .string()
      .regex(/^#[0-9a-fA-F]{6}$/)
      .default('#ffffff'),
    /** How the text enters. `words`: word by word. */
    animation: z.enum(['fade', 'slide', 'pop', 'words', 'none']).default('fade'),
    /** How the text leaves at the end of its scene. Absent: `none`. */
    exit: z.enum(['fade', 'slide', 'none']).optional(),
    shadow: z.boolean().default(true),
    /** Absent: `classic`. */
    look: textLookSchema.optional(),
    /** `start`: left, or right for a text from right to left. Absent: `center`. */
    align: z.enum(['start', 'center', 'end']).optional(),
  })
  .meta({ id: 'OverlayText' });
export type OverlayText = z.infer<typeof overlayTextSchema>;

const scenePlanSchema = z
  .object({
    index: z.int().nonnegative(),
    /** Role of the scene in its framework: problem, agitate, solve, … */
    role: z.string().min(1).max(40),
    /** Visible content, without the shared style. */
    description: z.string().min(1).max(2000),
    durationSeconds: z.int().min(SCENE_SECONDS.min).max(SCENE_SECONDS.max),
    overlay: overlayTextSchema.optional(),
    /** Words spoken in this scene. Absent: none. */
    script: z.string().min(1).max(400).optional(),
    /** How the scene begins after its predecessor. The first scene has none. Absent: `cut`. */
    transition: z.enum(TRANSITIONS).optional(),
  })
  .meta({ id: 'ScenePlan' });
export type ScenePlan = z.infer<typeof scenePlanSchema>;

/** Style keywords appended to the prompt of every clip, so that the clips look alike. */
const styleSchema = z
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

const musicSchema = z.object({ mood: z.enum(MUSIC_MOODS) }).meta({ id: 'PlanMusic' });

/** What the video advertises. Texts and scripts are about it. */
const productSchema = z
  .object({
    name: z.string().min(1).max(80),
    /** Short phrases, the strongest first. */
    benefits: z.array(z.string().min(1).max(160)).max(6),
    audience: z.string().min(1).max(120).optional(),
    /** What the viewer should do: `Order at x.com`. */
    callToAction: z.string().min(1).max(120).optional(),
  })
  .meta({ id: 'Product' });
export type Product = z.infer<typeof productSchema>;

/** The proposal of the language model, before the plan rules are applied. Missing texts are empty or absent. */
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
        script: z.string().max(400).optional(),
        transition: z.enum(TRANSITIONS).optional(),
      }),
    )
    .min(1)
    .max(50),
  music: z.object(musicSchema.shape).optional(),
  product: z
    .object({
      name: z.string().max(80),
      benefits: z.array(z.string().max(160)).max(6),
      audience: z.string().max(120).optional(),
      callToAction: z.string().max(120).optional(),
    })
    .optional(),
});
export type PlanDraft = z.infer<typeof planDraftSchema>;

export const planSchema = z
  .object({
    title: z.string().min(1).max(200),
    framework: z.enum(FRAMEWORKS),
    /** `llm`: written by a language model. `template`: written without one. */
    source: z.enum(['llm', 'template']),
    style: styleSchema,
    seed: z.int().min(0).max(2_147_483_647),
    durationSeconds: z.int().min(DURATION_SECONDS.min).max(DURATION_SECONDS.max),
    scenes: z.array(scenePlanSchema).min(1).max(SCENE_COUNT.max),
    /** Absent: the plan chooses no music. */
    music: musicSchema.optional(),
    product: productSchema.optional(),
  })
  .meta({ id: 'Plan' });
export type Plan = z.infer<typeof planSchema>;

const { position, fontSizePt, color, animation, exit, shadow, look, align } = overlayTextSchema.shape;
/** Without defaults, so that absent fields stay unchanged. */
const overlayEditSchema = z
  .strictObject({
    text: textSchema(200),
    position: position.unwrap(),
    fontSizePt: fontSizePt.unwrap(),
    color: color.unwrap(),
    animation: animation.unwrap(),
    exit: exit.unwrap(),
    shadow: shadow.unwrap(),
    /** Also sets the colour, the size and the motion of the look, unless the edit names them. */
    look: look.unwrap(),
    align: align.unwrap(),
  })
  .partial();

const sceneChanges = {
  description: textSchema(2000).optional(),
  durationSeconds: z.int().min(SCENE_SECONDS.min).max(SCENE_SECONDS.max).optional(),
  /** null removes the overlay. A scene without one needs `text`. */
  overlay: overlayEditSchema.nullable().optional(),
  /** null: nothing is spoken. */
  script: textSchema(400).nullable().optional(),
  transition: z.enum(TRANSITIONS).optional(),
};

/** Body of `PATCH /v1/generations/{id}/plan`. Absent fields stay unchanged. */
export const planEditSchema = z
  .strictObject({
    title: textSchema(200).optional(),
    style: z
      .strictObject({
        style: textSchema(200),
        palette: textSchema(200),
        lighting: textSchema(200),
        composition: textSchema(200),
        mood: textSchema(200),
        subject: textSchema(400),
      })
      .partial()
      .optional(),
    /** Scenes to change, by index. */
    scenes: z
      .array(z.strictObject({ index: z.int().nonnegative(), ...sceneChanges }))
      .max(SCENE_COUNT.max)
      .optional(),
    music: z.strictObject({ mood: z.enum(MUSIC_MOODS) }).optional(),
    product: z
      .strictObject({
        name: textSchema(80),
        benefits: z.array(textSchema(160)).max(6),
        audience: textSchema(120),
        callToAction: textSchema(120),
      })
      .partial()
      .optional(),
  })
  .meta({ id: 'PlanEdit' });
export type PlanEdit = z.infer<typeof planEditSchema>;

/** Body of `POST /v1/generations/{id}/scenes/{n}/regenerate`. Absent fields stay unchanged. */
export const sceneEditSchema = z
  .strictObject({
    ...sceneChanges,
    /** Another seed gives another clip. Default: random. */
    seed: z.int().min(0).max(2_147_483_647).optional(),
  })
  .meta({ id: 'SceneEdit' });
export type SceneEdit = z.infer<typeof sceneEditSchema>;
