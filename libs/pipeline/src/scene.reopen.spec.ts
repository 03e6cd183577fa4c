import { describe, expect, it } from '@jest/globals';
import {
  type Artifact,
  CancelRequested,
  ClipFailed,
  ClipGenerate,
  ClipGenerated,
  type ClipGenerateBody,
  type GenerationState,
  type Job,
  message,
  messageId,
  OverlayApplied,
  OverlayApply,
  type OverlayApplyBody,
  type Outgoing,
  PlanWritten,
  SceneReopened,
  StitchRender,
  type StitchRenderBody,
  VideoStitched,
} from '@clipmesh/contracts';
import fc from 'fast-check';
import { type DirectorEvent } from './director.event.js';
import { decide, initialState } from './director.js';
import { planFromTemplate } from './plan.writer.js';
import { isBeyondCap, reopenScene } from './scene.reopen.js';

const generationId = `gen_${'0'.repeat(32)}`;
const base = { generationId, at: '2026-01-01T00:00:00.000Z', charges: [] };
const job: Job = {
  prompt: 'A kettle that sings.',
  durationSeconds: 12,
  aspectRatio: '9:16',
  sceneCount: 3,
  seed: 1,
  overlays: true,
  models: ['google/veo-3.1'],
  window: 2,
  fallbackAfter: 3,
};
const plan = planFromTemplate(job);
let made = 0;
/** A file that was never made before. */
const file = (): Artifact => {
  const sha256 = (made += 1).toString(16).padStart(64, '0');
  return { key: `${sha256.slice(0, 2)}/${sha256}.mp4`, sha256, bytes: 1, contentType: 'video/mp4' };
};

function answer({ definition, body }: Outgoing, refused?: number): DirectorEvent | undefined {
  const told = (
    name: typeof ClipGenerated | typeof OverlayApplied | typeof VideoStitched | typeof ClipFailed,
    more: object,
  ) => ({ name: name.name, body: { ...base, ...more }, id: `${name.name}.${made}` }) as unknown as DirectorEvent;
  if (definition.name === ClipGenerate.name) {
    const { scene, attempt, model } = body as ClipGenerateBody;
    const failure = { code: 'PREDICTION_REFUSED', stage: 'clip', message: 'no', retryable: false, charged: false };
    return scene === refused
      ? told(ClipFailed, { scene, attempt, model, failure })
      : told(ClipGenerated, { scene, attempt, model, predictionId: `p${made}`, cached: false, clip: file() });
  }
  if (definition.name === OverlayApply.name) {
    const { scene, attempt } = body as OverlayApplyBody;
    return told(OverlayApplied, { scene, attempt, clip: file() });
  }
  if (definition.name !== StitchRender.name) return undefined;
  const result = { video: file(), thumbnail: file(), durationSeconds: 12, width: 720, height: 1280 };
  return told(VideoStitched, { attempt: (body as StitchRenderBody).attempt, result });
}

interface Story {
  readonly state: GenerationState;
  readonly events: readonly DirectorEvent[];
  readonly commands: readonly Outgoing[];
}
/** Every command is answered, in order, till there is none. */
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
const film = (): Story => play(initialState(job), written);
const reopened = (run: number, scene: number): DirectorEvent => {
  const { body } = message(SceneReopened, { ...base, run, scene });
  return { name: SceneReopened.name, body, id: messageId(SceneReopened, body) };
};
const names = (commands: readonly Outgoing[]): string[] =>
  commands.map(({ definition, body }) => `${definition.name} ${(body as { scene?: number }).scene ?? ''}`.trim());

describe('a scene that is made anew', () => {
  it('is the only one that is bought, with the seed that was asked for, and the film is joined again', () => {
    const { state } = film();
    const event = reopened(2, 1);
    const open = reopenScene(state, { scene: 1, plan, seed: 99 }, event.id);
    expect(open).toMatchObject({ status: 'generating', run: 2 });
    expect(open.result).toBeUndefined();
    const { state: after, commands } = play(open, event);
    expect(names(commands)).toEqual(['clip.generate 1', 'overlay.apply 1', 'stitch.render']);
    expect(commands[0]?.body).toMatchObject({ seed: 99 });
    expect((commands[2]?.body as StitchRenderBody).attempt).toBe(2);
    expect(after).toMatchObject({ status: 'succeeded', run: 2 });
    expect(after.result?.video).not.toEqual(state.result?.video);
    for (const scene of [0, 2]) expect(after.scenes[scene]).toEqual(state.scenes[scene]);
    expect(after.scenes[1]?.clip).not.toEqual(state.scenes[1]?.clip);
  });

  it('leaves the film of before where it is until there is another, whatever becomes of the run', () => {
    const { state } = film();
    const event = reopened(2, 1);
    const open = reopenScene(state, { scene: 1, plan, seed: 99 }, event.id);
    expect(open.former).toEqual(state.result);
    expect(play(open, event).state.former).toBeUndefined();
    const canceled = decide(open, { name: CancelRequested.name, body: { ...base, reason: '' }, id: 'c' }).state;
    expect(canceled).toMatchObject({ status: 'canceled', former: state.result });
    const failed = play(open, event, 1).state;
    expect(failed).toMatchObject({ status: 'failed', former: state.result });
    const third = reopened(3, 0);
    const again = reopenScene(failed, { scene: 0, plan, seed: 5 }, third.id);
    expect(again.former).toEqual(state.result);
    expect(play(again, third).state.former).toBeUndefined();
  });

  it('keeps its clip where nothing but its text changes', () => {
    const { state } = film();
    const event = reopened(2, 2);
    const { state: after, commands } = play(reopenScene(state, { scene: 2, plan, seed: undefined }, event.id), event);
    expect(names(commands)).toEqual(['overlay.apply 2', 'stitch.render']);
    expect(after.scenes[2]).toMatchObject({ clip: state.scenes[2]?.clip, predictionId: state.scenes[2]?.predictionId });
    expect(after.status).toBe('succeeded');
  });

  it('may be the one that had failed; a clip that never came is bought', () => {
    const { state } = play(initialState(job), written, 0);
    expect(state).toMatchObject({ status: 'failed', failure: { code: 'PREDICTION_REFUSED' } });
    const event = reopened(2, 0);
    for (const seed of [7, undefined]) {
      const { state: after, commands } = play(reopenScene(state, { scene: 0, plan, seed }, event.id), event);
      expect(names(commands)).toEqual(['clip.generate 0', 'overlay.apply 0', 'stitch.render']);
      expect(after.status).toBe('succeeded');
      expect(after.failure).toBeUndefined();
    }
  });

  it('takes with it what else had failed', () => {
    const { state } = play(initialState(job), written, 0);
    const event = reopened(2, 2);
    const { commands } = play(reopenScene(state, { scene: 2, plan, seed: 7 }, event.id), event);
    expect(names(commands).filter((name) => name.startsWith('clip'))).toEqual(['clip.generate 0', 'clip.generate 2']);
  });

  it('leaves what its former clip may still cost set aside, unless that is the clip', () => {
    const { state } = play(initialState(job), written, 0);
    const costs = [0, 480_000, 480_000];
    const capOf = (maxCostMicros: number): GenerationState => ({
      ...state,
      job: { ...job, maxCostMicros },
      costMicros: 960_000,
      scenes: state.scenes.map((scene) => ({ ...scene, costMicros: costs[scene.index] ?? 0 })),
    });
    const doubtful = (of: GenerationState): GenerationState => ({
      ...of,
      scenes: of.scenes.map((scene) => (scene.index === 0 ? { ...scene, allowanceMicros: 480_000 } : scene)),
    });
    const first = (of: GenerationState, seed: number | undefined) => {
      const open = reopenScene(of, { scene: 0, plan, seed }, reopened(2, 0).id);
      return [open.scenes[0]?.status, open.scenes[0]?.allowanceMicros, isBeyondCap(open, 0)];
    };
    expect(first(doubtful(capOf(1_440_000)), undefined)).toEqual(['generating', 480_000, false]);
    expect(first(doubtful(capOf(1_440_000)), 7)).toEqual(['failed', 480_000, true]);
    expect(first(doubtful(capOf(1_920_000)), 7)).toEqual(['generating', 960_000, false]);
    expect(first(capOf(1_440_000), 7)).toEqual(['generating', 480_000, false]);
  });

  it('is not made for a generation that runs or was canceled', () => {
    const running = decide(initialState(job), written).state;
    expect(reopenScene(running, { scene: 0, plan, seed: 7 }, 'x')).toBe(running);
    const canceled = decide(running, { name: CancelRequested.name, body: { ...base, reason: '' }, id: 'c' }).state;
    expect(reopenScene(canceled, { scene: 0, plan, seed: 7 }, 'x')).toBe(canceled);
  });

  it('is not finished, and not asked for twice, by anything that the runs before had told', () => {
    const first = film();
    const event = reopened(2, 1);
    const open = reopenScene(first.state, { scene: 1, plan, seed: 99 }, event.id);
    const late = fc.array(fc.constantFrom(...first.events, event), { maxLength: 30 });
    fc.assert(
      fc.property(late, (events) => {
        let state = open;
        const asked = new Set<string>();
        for (const told of events) {
          const decided = decide(state, told);
          state = decided.state;
          for (const { definition, body } of decided.outgoing)
            if (definition.kind === 'command') asked.add(messageId(definition, body));
        }
        expect(state.status).toBe('generating');
        expect(asked.size).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('may be made anew again and again', () => {
    let { state } = film();
    for (let run = 2; run < 6; run += 1) {
      const event = reopened(run, run % 3);
      const next = play(reopenScene(state, { scene: run % 3, plan, seed: run }, event.id), event);
      expect(next.commands).toHaveLength(3);
      expect(next.state).toMatchObject({ status: 'succeeded', run });
      state = next.state;
    }
  });
});
