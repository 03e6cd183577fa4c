import { describe, expect, it } from '@jest/globals';
import {
  type Artifact,
  ClipGenerate,
  type ClipGenerateBody,
  ClipGenerated,
  type GenerationState,
  message,
  messageId,
  type Outgoing,
  OverlayApply,
  type OverlayApplyBody,
  type Plan,
  SceneReopened,
  StitchRender,
  type StitchRenderBody,
  type Transition,
  VideoStitched,
} from '@clipmesh/contracts';
import fc from 'fast-check';
import { planFromTemplate } from '../../plan/plan.writer.js';
import { base, decide, jobOf, planWritten, regenerateScene, stepAnswer } from '../../../test/director.samples.js';
import { type DirectorEvent } from '../director.event.js';
import { initialState } from '../director.js';
import { transitionInto } from './scene.blends.js';

const job = jobOf({ window: 3 });
const planOf = (...transitions: Transition[]): Plan => {
  const plan = planFromTemplate(job);
  const scenes = plan.scenes.map(({ transition: _own, ...scene }, index) =>
    index === 0 ? scene : { ...scene, transition: transitions[index - 1] ?? 'cut' },
  );
  return { ...plan, scenes };
};

let made = 0;
const file = (): Artifact => {
  const sha256 = (made += 1).toString(16).padStart(64, '0');
  return { key: `${sha256.slice(0, 2)}/${sha256}.mp4`, sha256, bytes: 1, contentType: 'video/mp4' };
};

function answer({ definition, body }: Outgoing): DirectorEvent | undefined {
  const id = `answer.${(made += 1)}`;
  if (definition.name === ClipGenerate.name) {
    const { scene, attempt, model } = body as ClipGenerateBody;
    const generated = { ...base, scene, attempt, model, predictionId: id, cached: false, clip: file() };
    return { name: ClipGenerated.name, body: generated, id };
  }
  if (definition.name !== StitchRender.name) return stepAnswer({ definition, body }, file());
  const result = { video: file(), thumbnail: file(), durationSeconds: 12, width: 720, height: 1280 };
  return { name: VideoStitched.name, body: { ...base, attempt: (body as StitchRenderBody).attempt, result }, id };
}

interface Played {
  readonly state: GenerationState;
  readonly overlays: OverlayApplyBody[];
  readonly stitch: StitchRenderBody | undefined;
}

/** Answers all commands; `choose` picks which of the open ones is answered next. */
function play(start: GenerationState, first: DirectorEvent, choose: (open: readonly Outgoing[]) => number): Played {
  let { state, outgoing } = decide(start, first);
  const [overlays, open]: [OverlayApplyBody[], Outgoing[]] = [[], []];
  let stitch: StitchRenderBody | undefined;
  const sent = new Map<string, string>();
  const events = [first];
  for (;;) {
    for (const one of outgoing.filter(({ definition }) => definition.kind === 'command')) {
      open.push(one);
      sent.set(messageId(one.definition, one.body), JSON.stringify(one.body));
      if (one.definition.name === OverlayApply.name) overlays.push(one.body as OverlayApplyBody);
      if (one.definition.name === StitchRender.name) stitch = one.body as StitchRenderBody;
    }
    const [next] = open.splice(choose(open), 1);
    const event = next && answer(next);
    if (event === undefined) return { state, overlays, stitch };
    ({ state, outgoing } = decide(state, event));
    events.push(event);
    // A repeated event causes the same commands, whatever is ready by then.
    for (const one of events.flatMap((earlier) => decide(state, earlier).outgoing)) {
      const body = sent.get(messageId(one.definition, one.body));
      if (body !== undefined) expect(JSON.stringify(one.body)).toBe(body);
    }
  }
}

const kinds = fc.constantFrom<Transition>('cut', 'crossfade', 'wipe', 'zoom');

describe('the transitions of a video', () => {
  it('are each made once at most, and the stitcher gets those that fit its files, in any order of the answers', () => {
    fc.assert(
      fc.property(fc.tuple(kinds, kinds), fc.infiniteStream(fc.nat(99)), ([second, third], picks) => {
        const plan = planOf(second, third);
        const { overlays, stitch } = play(initialState(job), planWritten(job, plan), (open) => {
          const { value } = picks.next() as { value: number };
          return open.length === 0 ? 0 : value % open.length;
        });
        const blends = overlays.flatMap((command) => command.blends ?? []);
        expect(new Set(blends.map(({ scene }) => scene)).size).toBe(blends.length);
        const wanted = [undefined, second, third].map((kind) => (kind === 'cut' ? undefined : kind));
        expect(stitch?.scenes.map(({ transition }) => transition?.kind)).toEqual(wanted);
        const ready = stitch?.scenes.flatMap(({ index, transition }) => (transition?.clip ? [index] : []));
        expect(ready).toEqual(blends.map(({ scene }) => scene).sort((a, b) => a - b));
        for (const { scene, leadFrames, handleFrames } of overlays)
          expect([leadFrames, handleFrames]).toEqual(
            [wanted[scene], wanted[scene + 1]].map((kind) => (kind === undefined ? undefined : 12)),
          );
      }),
    );
  });

  it('are all there after the last overlay when the overlays end one after another', () => {
    const plan = planOf('crossfade', 'dip-black');
    // The last command first: a clip is overlaid before the next clip arrives.
    const { stitch, overlays } = play(initialState(job), planWritten(job, plan), (open) => open.length - 1);
    expect(stitch?.scenes.map(({ transition }) => transition?.clip !== undefined)).toEqual([false, true, true]);
    expect(overlays.map(({ blends }) => blends?.length ?? 0).sort()).toEqual([0, 1, 1]);
  });

  const done = (plan: Plan): GenerationState =>
    play(initialState(job), planWritten(job, plan), (open) => open.length - 1).state;
  const reopened = (run: number, scene: number): DirectorEvent => {
    const { body } = message(SceneReopened, { ...base, run, scene });
    return { name: SceneReopened.name, body, id: messageId(SceneReopened, body) };
  };

  it('on both sides of a regenerated scene are made again', () => {
    const plan = planOf('crossfade', 'wipe');
    const event = reopened(2, 1);
    const open = regenerateScene(done(plan), { scene: 1, plan, seed: undefined }, event.id);
    const { overlays, stitch } = play(open, event, () => 0);
    expect(overlays).toMatchObject([{ scene: 1, blends: [{ scene: 1 }, { scene: 2 }] }]);
    expect(stitch?.scenes.every(({ index, transition }) => index === 0 || transition?.clip !== undefined)).toBe(true);
  });

  it('that replace a cut have the scene before them overlaid again, and those that become a cut have not', () => {
    const cuts = planOf('cut', 'cut');
    const event = reopened(2, 2);
    const open = regenerateScene(done(cuts), { scene: 2, plan: planOf('cut', 'slide'), seed: undefined }, event.id);
    const { overlays, stitch } = play(open, event, () => 0);
    expect(overlays.map(({ scene, leadFrames, handleFrames }) => [scene, leadFrames, handleFrames])).toEqual([
      [1, undefined, 12],
      [2, 12, undefined],
    ]);
    expect(stitch?.scenes[2]).toMatchObject({ transition: { kind: 'slide' } });
    const back = regenerateScene(done(planOf('cut', 'slide')), { scene: 2, plan: cuts, seed: undefined }, event.id);
    const again = play(back, event, () => 0);
    expect(again.overlays.map(({ scene }) => scene)).toEqual([2]);
    expect(again.stitch?.scenes[2]).not.toHaveProperty('transition');
  });

  it('are used with the files that they were made from only', () => {
    const plan = planOf('crossfade', 'wipe');
    const state = done(plan);
    const [first, second, third] = state.scenes;
    if (first === undefined || second === undefined || third === undefined) throw new Error('three scenes');
    expect(transitionInto(state, second)).toEqual({ kind: 'crossfade', clip: second.blend?.clip });
    const other = { ...state, scenes: [{ ...first, overlaid: file() }, second, third] };
    expect(transitionInto(other, second)).toEqual({ kind: 'crossfade' });
    expect(transitionInto(state, { ...second, overlaid: file() })).toEqual({ kind: 'crossfade' });
    expect(transitionInto({ ...state, plan: planOf('zoom', 'wipe') }, second)).toEqual({ kind: 'zoom' });
    expect(transitionInto({ ...state, plan: planOf('cut', 'wipe') }, second)).toBeUndefined();
  });
});
