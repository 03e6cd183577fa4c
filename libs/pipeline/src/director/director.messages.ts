import {
  encodeProfile,
  GenerationCanceled,
  GenerationFailed,
  GenerationPlan,
  GenerationProgressed,
  type GenerationState,
  GenerationSucceeded,
  isFinal,
  LAST_STEP,
  message,
  MUSIC_VOLUME,
  type Outgoing,
  StitchRender,
  type StitchRenderBody,
} from '@clipmesh/contracts';
import { type DirectorEvent } from './director.event.js';
import { type ModelTable } from '@clipmesh/billing';
import { runJob } from './director.models.js';
import { speechCommands, speechOf } from './director.speech.js';
import { progressOf } from './progress.js';
import { overlayBlends, transitionInto } from './scenes/scene.blends.js';
import { stepCommand } from './scenes/scene.steps.js';

/** The commands that this event caused and that have no answer yet. */
export function commandsCausedBy(state: GenerationState, event: DirectorEvent, models: ModelTable): Outgoing[] {
  const { plan } = state;
  const job = runJob(state);
  if (isFinal(state.status)) return [];
  const base = {
    generationId: event.body.generationId,
    ...(state.revivals === 0 ? {} : { revival: state.revivals }),
  };
  if (plan === undefined) {
    const { attempt, cause } = state.planning;
    return cause === event.id ? [message(GenerationPlan, { ...base, attempt, job: state.job })] : [];
  }
  const commands = state.scenes.flatMap((scene) => {
    const scenePlan = plan.scenes[scene.index];
    if (scene.cause !== event.id || scenePlan === undefined) return [];
    const key = { ...base, scene: scene.index, attempt: scene.attempt };
    return stepCommand({ key, job, plan, scenePlan, scene, blends: overlayBlends(state, scene), models }) ?? [];
  });
  commands.push(...speechCommands(state, event.id, base));
  if (state.status === 'composing' && state.stitch?.cause === event.id)
    commands.push(stitchCommand(state, base, event.traceparent));
  return commands;
}

/** The command that joins the scenes. */
export function stitchCommand(
  state: GenerationState,
  base: { generationId: string; revival?: number },
  parent: string | undefined,
): Outgoing {
  const { plan, job, stitch, scenes } = state;
  const links = scenes.flatMap(({ doneTraceparent }) =>
    doneTraceparent === undefined || doneTraceparent === parent ? [] : [doneTraceparent],
  );
  return message(
    StitchRender,
    {
      ...base,
      attempt: stitch?.attempt ?? 1,
      profile: encodeProfile(job.aspectRatio),
      scenes: scenes.flatMap((scene) => {
        const { index } = scene;
        const clip = scene[LAST_STEP.result];
        const durationSeconds = plan?.scenes[index]?.durationSeconds;
        if (clip === undefined || durationSeconds === undefined) return [];
        const { thumbnail } = scene;
        const transition = transitionInto(state, scene);
        return [
          {
            ...{ index, clip, durationSeconds },
            ...(thumbnail === undefined ? {} : { thumbnail }),
            ...(transition === undefined ? {} : { transition }),
          },
        ];
      }),
      ...musicOf(state),
      ...speechOf(state),
      ...(job.clipSound === undefined ? {} : { clipSound: job.clipSound }),
    },
    links,
  );
}

/** The music of the video: what the job names, else the bed that the plan chooses. */
function musicOf({ job: { music }, plan }: GenerationState): Pick<StitchRenderBody, 'music'> {
  const { artifact, bed = plan?.music?.mood, volume = MUSIC_VOLUME } = music ?? {};
  if (artifact !== undefined) return { music: { artifact, volume } };
  return bed === undefined || bed === 'none' ? {} : { music: { bed, volume } };
}

function snapshot(state: GenerationState, event: DirectorEvent) {
  return {
    generationId: event.body.generationId,
    at: event.body.at,
    charges: [],
    run: state.run,
    status: state.status,
    stage: state.stage,
    progress: progressOf(state),
    scenes: state.scenes.map(({ index, status }) => ({ index, status })),
    costMicros: state.costMicros,
  };
}

/** The progress after this event. */
export function progressEvent(state: GenerationState, event: DirectorEvent): Outgoing {
  return message(GenerationProgressed, { ...snapshot(state, event), cause: event.id });
}

/** The event that reports how the generation ended. */
export function finalEvent(state: GenerationState, event: DirectorEvent): Outgoing {
  const body = snapshot(state, event);
  if (state.status === 'succeeded' && state.result !== undefined)
    return message(GenerationSucceeded, { ...body, result: state.result });
  if (state.status === 'failed' && state.failure !== undefined)
    return message(GenerationFailed, { ...body, failure: state.failure });
  return message(GenerationCanceled, body);
}
