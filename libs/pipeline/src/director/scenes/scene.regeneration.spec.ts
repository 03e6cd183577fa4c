import { describe, expect, it } from '@jest/globals';
import {
  type Artifact,
  CancelRequested,
  ClipFailed,
  ClipGenerate,
  type ClipGenerateBody,
  ClipGenerated,
  type GenerationState,
  message,
  messageId,
  type Outgoing,
  PlanWritten,
  SCENE_STEPS,
  SceneReopened,
  StitchRender,
  type StitchRenderBody,
  VideoStitched,
} from '@clipmesh/contracts';
import fc from 'fast-check';
import { type DirectorEvent } from '../director.event.js';
import { initialState } from '../director.js';
import { planFromTemplate } from '../../plan/plan.writer.js';
import { base, failureOf, jobOf, decide, regenerateScene, stepAnswer } from '../../../test/director.samples.js';
import { exceedsCap } from './scene.regeneration.js';

const job = jobOf();
const plan = planFromTemplate(job);
let made = 0;
/** A file with new content. */
const file = (): Artifact => {
  const sha256 = (made += 1).toString(16).padStart(64, '0');
  return { key: `${sha256.slice(0, 2)}/${sha256}.mp4`, sha256, bytes: 1, contentType: 'video/mp4' };
};

function answer({ definition, body }: Outgoing, refused?: number): DirectorEvent | undefined {
  const replyEvent = (name: typeof ClipGenerated | typeof VideoStitched | typeof ClipFailed, more: object) =>
    ({ name: name.name, body: { ...base, ...more }, id: `${name.name}.${made}` }) as unknown as DirectorEvent;
  if (definition.name === ClipGenerate.name) {
    const { scene, attempt, model } = body as ClipGenerateBody;
    const failure = failureOf('PREDICTION_REFUSED');
    return scene === refused
      ? replyEvent(ClipFailed, { scene, attempt, model, failure })
      : replyEvent(ClipGenerated, { scene, attempt, model, predictionId: `p${made}`, cached: false, clip: file() });
  }
  if (definition.name !== StitchRender.name) return stepAnswer({ definition, body }, file());
  const result = { video: file(), thumbnail: file(), durationSeconds: 12, width: 720, height: 1280 };
  return replyEvent(VideoStitched, { attempt: (body as StitchRenderBody).attempt, result });
}

interface Story {
  readonly state: GenerationState;
  readonly events: readonly DirectorEvent[];
  readonly commands: readonly Outgoing[];
}
/** Answers every command, in order, until there is none. */
function play(start: GenerationState, first: DirectorEvent, refused?: number): Story {
  let state = start;
  const events = [first];
  const commands: Outgoing[] = [];
  for (const event of events) {
    const decided = decide(state, event);
    state = decided.state;
    commands.push(...decided.outgoing.filter(({ definition }) => definition.kind === 'command'));
    events.push(...decided.outgoing.flatMap((outgoing) => answer(outgoing, refused) ?? []));
  }
  return { state, events, commands };
}
const written: DirectorEvent = { name: PlanWritten.name, body: { ...base, attempt: 1, plan }, id: 'written' };
const playAll = (): Story => play(initialState(job), written);
const reopenedEvent = (run: number, scene: number): DirectorEvent => {
  const { body } = message(SceneReopened, { ...base, run, scene });
  return { name: SceneReopened.name, body, id: messageId(SceneReopened, body) };
};
const names = (commands: readonly Outgoing[]): string[] =>
  commands.map(({ definition, body }) => `${definition.name} ${(body as { scene?: number }).scene ?? ''}`.trim());
/** The commands of all steps of a scene. */
const stepsOf = (scene: number): string[] => SCENE_STEPS.map(({ command }) => `${command} ${scene}`);

describe('a regenerated scene', () => {
  it('is the only one that is bought, with the requested seed, and the video is stitched again', () => {
    const { state } = playAll();
    const event = reopenedEvent(2, 1);
    const open = regenerateScene(state, { scene: 1, plan, seed: 99 }, event.id);
    expect(open).toMatchObject({ status: 'generating', run: 2 });
    expect(open.result).toBeUndefined();
    const { state: after, commands } = play(open, event);
    expect(names(commands)).toEqual([...stepsOf(1), 'stitch.render']);
    expect(commands[0]?.body).toMatchObject({ seed: 99 });
    const stitch = commands.at(-1)?.body as StitchRenderBody;
    expect(stitch.attempt).toBe(2);
    expect(stitch.scenes.map(({ clip }) => clip)).toEqual(after.scenes.map(({ overlaid }) => overlaid));
    expect(stitch.scenes.map(({ thumbnail }) => thumbnail?.picture)).toEqual(stitch.scenes.map(({ clip }) => clip));
    expect(open.scenes[1]?.thumbnail).toBeUndefined();
    expect(state.scenes[1]?.warnings).toEqual(['it is silent']);
    expect(open.scenes[1]?.warnings).toBeUndefined();
    expect(after).toMatchObject({ status: 'succeeded', run: 2 });
    expect(after.result?.video).not.toEqual(state.result?.video);
    // Only the transition to the new scene 1 is another one.
    for (const scene of [0, 2])
      expect({ ...after.scenes[scene], blend: undefined }).toEqual({ ...state.scenes[scene], blend: undefined });
    expect(after.scenes[1]?.clip).not.toEqual(state.scenes[1]?.clip);
  });

  it('keeps the previous video until there is a new one, however the run ends', () => {
    const { state } = playAll();
    const event = reopenedEvent(2, 1);
    const open = regenerateScene(state, { scene: 1, plan, seed: 99 }, event.id);
    expect(open.previousResult).toEqual(state.result);
    expect(play(open, event).state.previousResult).toBeUndefined();
    const canceled = decide(open, { name: CancelRequested.name, body: { ...base, reason: '' }, id: 'c' }).state;
    expect(canceled).toMatchObject({ status: 'canceled', previousResult: state.result });
    const failed = play(open, event, 1).state;
    expect(failed).toMatchObject({ status: 'failed', previousResult: state.result });
    const third = reopenedEvent(3, 0);
    const again = regenerateScene(failed, { scene: 0, plan, seed: 5 }, third.id);
    expect(again.previousResult).toEqual(state.result);
    expect(play(again, third).state.previousResult).toBeUndefined();
  });

  it('keeps its clip when only its text changes', () => {
    const { state } = playAll();
    const event = reopenedEvent(2, 2);
    const { state: after, commands } = play(
      regenerateScene(state, { scene: 2, plan, seed: undefined }, event.id),
      event,
    );
    expect(names(commands)).toEqual(['overlay.apply 2', 'stitch.render']);
    expect(after.scenes[2]).toMatchObject({ clip: state.scenes[2]?.clip, predictionId: state.scenes[2]?.predictionId });
    expect(after.status).toBe('succeeded');
  });

  it('may be a failed one, whose missing clip is bought', () => {
    const { state } = play(initialState(job), written, 0);
    expect(state).toMatchObject({ status: 'failed', failure: { code: 'PREDICTION_REFUSED' } });
    const event = reopenedEvent(2, 0);
    for (const seed of [7, undefined]) {
      const { state: after, commands } = play(regenerateScene(state, { scene: 0, plan, seed }, event.id), event);
      expect(names(commands)).toEqual([...stepsOf(0), 'stitch.render']);
      expect(after.status).toBe('succeeded');
      expect(after.failure).toBeUndefined();
    }
  });

  it('also retries the other failed scenes', () => {
    const { state } = play(initialState(job), written, 0);
    const event = reopenedEvent(2, 2);
    const { commands } = play(regenerateScene(state, { scene: 2, plan, seed: 7 }, event.id), event);
    expect(names(commands).filter((name) => name.startsWith(ClipGenerate.name))).toEqual([
      'clip.generate 0',
      'clip.generate 2',
    ]);
  });

  it('keeps the reservation of its previous clip, unless it keeps that clip', () => {
    const { state } = play(initialState(job), written, 0);
    const costs = [0, 480_000, 480_000];
    const capOf = (maxCostMicros: number): GenerationState => ({
      ...state,
      job: { ...job, maxCostMicros },
      costMicros: 960_000,
      scenes: state.scenes.map((scene) => ({ ...scene, costMicros: costs[scene.index] ?? 0 })),
    });
    const withUnknown = (of: GenerationState): GenerationState => ({
      ...of,
      scenes: of.scenes.map((scene) => (scene.index === 0 ? { ...scene, allowanceMicros: 480_000 } : scene)),
    });
    const first = (of: GenerationState, seed: number | undefined) => {
      const open = regenerateScene(of, { scene: 0, plan, seed }, reopenedEvent(2, 0).id);
      return [open.scenes[0]?.status, open.scenes[0]?.allowanceMicros, exceedsCap(open, 0)];
    };
    expect(first(withUnknown(capOf(1_440_000)), undefined)).toEqual(['generating', 480_000, false]);
    expect(first(withUnknown(capOf(1_440_000)), 7)).toEqual(['failed', 480_000, true]);
    expect(first(withUnknown(capOf(1_920_000)), 7)).toEqual(['generating', 960_000, false]);
    expect(first(capOf(1_440_000), 7)).toEqual(['generating', 480_000, false]);
  });

  it('is not started for a running or canceled generation', () => {
    const running = decide(initialState(job), written).state;
    expect(regenerateScene(running, { scene: 0, plan, seed: 7 }, 'x')).toBe(running);
    const canceled = decide(running, { name: CancelRequested.name, body: { ...base, reason: '' }, id: 'c' }).state;
    expect(regenerateScene(canceled, { scene: 0, plan, seed: 7 }, 'x')).toBe(canceled);
  });

  it('is neither finished nor requested twice by late events of earlier runs', () => {
    const first = playAll();
    const event = reopenedEvent(2, 1);
    const open = regenerateScene(first.state, { scene: 1, plan, seed: 99 }, event.id);
    const late = fc.array(fc.constantFrom(...first.events, event), { maxLength: 30 });
    fc.assert(
      fc.property(late, (events) => {
        let state = open;
        const asked = new Set<string>();
        for (const lateEvent of events) {
          const decided = decide(state, lateEvent);
          state = decided.state;
          for (const { definition, body } of decided.outgoing)
            if (definition.kind === 'command') asked.add(messageId(definition, body));
        }
        expect(state.status).toBe('generating');
        expect(asked.size).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('can be regenerated repeatedly', () => {
    let { state } = playAll();
    for (let run = 2; run < 6; run += 1) {
      const event = reopenedEvent(run, run % 3);
      const next = play(regenerateScene(state, { scene: run % 3, plan, seed: run }, event.id), event);
      expect(next.commands).toHaveLength(SCENE_STEPS.length + 1);
      expect(next.state).toMatchObject({ status: 'succeeded', run });
      state = next.state;
    }
  });
});
