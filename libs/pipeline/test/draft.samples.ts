import { createHash } from 'node:crypto';
import {
  type Artifact,
  ClipGenerate,
  ClipGenerated,
  DRAFT_MODEL,
  DraftEdited,
  type GenerationState,
  type MessageBody,
  type MessageDefinition,
  messageId,
  type Outgoing,
  OverlayApplied,
  OverlayApply,
  type Plan,
  type PlanEdit,
  PlanApproved,
  StitchRender,
  VideoStitched,
} from '@clipmesh/contracts';
import { type DirectorEvent } from '../src/director/director.event.js';
import { editDraft } from '../src/director/draft.edit.js';
import { editPlan } from '../src/plan/plan.review.js';
import { clipPrompt } from '../src/plan/plan.rules.js';
import { planFromTemplate } from '../src/plan/plan.writer.js';
import { base, type clipsIn, decide, jobOf } from './director.samples.js';

export const job = jobOf({ draft: true, maxCostMicros: 10_000_000 });
export const plan = planFromTemplate(job);

/** A file whose content is what it was made from. */
export function fileOf(...madeFrom: readonly unknown[]): Artifact {
  const sha256 = createHash('sha256').update(JSON.stringify(madeFrom)).digest('hex');
  return { key: `${sha256.slice(0, 2)}/${sha256}.mp4`, sha256, bytes: 1, contentType: 'video/mp4' };
}
/** Models sell whole lengths, so a bought clip may be longer than its scene. */
const clipOf = (model: string, prompt: string, seconds: number): Artifact =>
  fileOf(model, prompt, model === DRAFT_MODEL ? seconds : 0);
/** The video of a plan whose clips all come from one model. */
export const videoOf = (model: string, { scenes, ...rest }: Plan): Artifact =>
  fileOf(
    scenes.map((scene) =>
      fileOf(
        clipOf(model, clipPrompt({ ...rest, scenes }, scene), scene.durationSeconds).sha256,
        scene.overlay ?? null,
      ),
    ),
  );

export function eventOf<Body extends MessageBody>(definition: MessageDefinition<Body>, body: Body): DirectorEvent {
  return { name: definition.name, body, id: messageId(definition, body) } as unknown as DirectorEvent;
}

/** The answer to a command, as the services give it. */
export function answerTo({ definition, body }: Outgoing): DirectorEvent | undefined {
  const command = body as never;
  if (definition === ClipGenerate) {
    const { scene, attempt, model, prompt, durationSeconds } = command as ReturnType<typeof clipsIn>[number];
    const bought = model === DRAFT_MODEL ? {} : { predictionId: `p${scene}.${attempt}` };
    const clip = clipOf(model, prompt, durationSeconds);
    return eventOf(ClipGenerated, { ...base, scene, attempt, model, cached: false, clip, ...bought });
  }
  if (definition === OverlayApply) {
    const { scene, attempt, clip, overlay } = OverlayApply.schema.parse(body);
    return eventOf(OverlayApplied, { ...base, scene, attempt, clip: fileOf(clip.sha256, overlay ?? null) });
  }
  if (definition === StitchRender) {
    const { attempt, scenes } = StitchRender.schema.parse(body);
    // In the order of the plan.
    const video = fileOf(scenes.map(({ clip }) => clip));
    const result = { video, thumbnail: video, durationSeconds: 12, width: 720, height: 1280 };
    return eventOf(VideoStitched, { ...base, attempt, result });
  }
  return undefined;
}

export const approved = eventOf(PlanApproved, base);
const edited = (run: number): DirectorEvent => eventOf(DraftEdited, { ...base, run });
/** What the gateway stores, and the event that it publishes. */
export function edit(state: GenerationState, change: PlanEdit): { state: GenerationState; event: DirectorEvent } {
  const event = edited(state.run + 1);
  const before = state.plan ?? plan;
  return { state: editDraft(state, editPlan(before, change), event.id, new Map()), event };
}

/** Runs a generation to its next stop: answers every command, in order. Returns the commands too. */
export function run(
  start: GenerationState,
  first: DirectorEvent,
  answer = answerTo,
): { state: GenerationState; commands: Outgoing[] } {
  let state = start;
  const commands: Outgoing[] = [];
  const queue = [first];
  for (let event = queue.shift(); event !== undefined; event = queue.shift()) {
    const { state: next, outgoing } = decide(state, event);
    state = next;
    for (const one of outgoing) {
      const event = answer(one);
      if (event === undefined) continue;
      commands.push(one);
      queue.push(event);
    }
  }
  return { state, commands };
}
export const names = (commands: readonly Outgoing[]): string[] =>
  commands.map(({ definition, body }) => {
    const { scene } = body as { scene?: number };
    return scene === undefined ? definition.name : `${definition.name} ${scene}`;
  });
