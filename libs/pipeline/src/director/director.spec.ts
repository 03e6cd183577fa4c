import { describe, expect, it } from '@jest/globals';
import {
  CancelRequested,
  ClipFailed,
  ClipGenerate,
  type ClipGenerateBody,
  ClipGenerated,
  type DomainEvent,
  encodeMessage,
  EVENTS,
  type Failure,
  type GenerationState,
  isFinal,
  type Job,
  message,
  messageId,
  type Outgoing,
  PlanFailed,
  PlanStarted,
  PlanWritten,
  RetryRequested,
  type SceneStep,
  StallNoticed,
  StitchFailed,
  StitchRender,
  type StitchRenderBody,
  VideoStitched,
  WorkRetried,
} from '@clipmesh/contracts';
import fc from 'fast-check';
import { type DirectorEvent } from './director.event.js';
import { initialState } from './director.js';
import { planFromTemplate } from '../plan/plan.writer.js';
import {
  at,
  base,
  chargeOf,
  failureOf,
  fileOf,
  FIRST,
  generationId,
  jobOf,
  LATER_STEPS,
  NEXT_STEP,
  SECOND,
  decide,
  stepAnswer,
} from '../../test/director.samples.js';
import { progressOf } from './progress.js';

const job = (window: number, sceneCount = 4): Job =>
  jobOf({
    ...{ durationSeconds: Math.max(9, sceneCount * 4), aspectRatio: '16:9', sceneCount, seed: 7 },
    ...{ models: [FIRST, SECOND], window },
  });
const failure = (scene: number, code: 'PREDICTION_FAILED' | 'PREDICTION_REFUSED') =>
  failureOf(code, { scene, retryable: code === 'PREDICTION_FAILED' });

const byName = new Map(EVENTS.map((definition) => [definition.name as string, definition]));
function event(domainEvent: DomainEvent): DirectorEvent {
  const definition = byName.get(domainEvent.name);
  if (definition === undefined) throw new Error(domainEvent.name);
  return { ...domainEvent, id: messageId(definition as never, domainEvent.body) };
}

/** The step after the clip that fails in a scene whose fate is that. */
const failingStep = (scene: number): SceneStep => LATER_STEPS[scene % LATER_STEPS.length] ?? NEXT_STEP;
/** The answer of the actors to a command. `fate` decides how clips and later steps end. */
type Fate = 'works' | 'next model' | 'refused' | 'step fails';
function answer(command: Outgoing, fate: (scene: number) => Fate): DirectorEvent | undefined {
  switch (command.definition.name) {
    case ClipGenerate.name: {
      const { scene, attempt, model } = command.body as ClipGenerateBody;
      const step = { ...base, scene, attempt, model };
      if (fate(scene) === 'refused')
        return event({ name: ClipFailed.name, body: { ...step, failure: failure(scene, 'PREDICTION_REFUSED') } });
      if (fate(scene) === 'next model' && model === 'google/veo-3.1') {
        return event({ name: ClipFailed.name, body: { ...step, failure: failure(scene, 'PREDICTION_FAILED') } });
      }
      const predictionId = `p${scene}.${attempt}`;
      return event({
        name: ClipGenerated.name,
        body: {
          ...step,
          charges: [chargeOf({ key: `prediction:${predictionId}`, scene })],
          predictionId,
          cached: false,
          clip: fileOf('a'),
        },
      });
    }
    case StitchRender.name: {
      const { attempt } = command.body as StitchRenderBody;
      return event({
        name: VideoStitched.name,
        body: {
          ...base,
          attempt,
          result: { video: fileOf('e'), thumbnail: fileOf('f'), durationSeconds: 16, width: 1280, height: 720 },
        },
      });
    }
    default: {
      const { scene = 0 } = command.body as { scene?: number };
      const fails = fate(scene) === 'step fails' && command.definition.name === failingStep(scene).command;
      return stepAnswer(command, fails ? failure(scene, 'PREDICTION_FAILED') : fileOf(scene.toString(16)));
    }
  }
}

interface Run {
  state: GenerationState;
  /** Every published command by id; repeated ids are dropped, as by the broker. */
  commands: Map<string, Outgoing>;
  peak: number;
  progress: number[];
}

/** Runs the director against a broker that repeats and reorders, and crashes between saving and publishing. */
function run(
  start: Job,
  pick: (size: number) => number,
  chaos: () => 'deliver' | 'twice' | 'crash',
  fate: (scene: number) => Fate,
): Run {
  const plan = planFromTemplate(start);
  const result: Run = { state: initialState(start), commands: new Map(), peak: 0, progress: [] };
  const queue: DirectorEvent[] = [
    event({ name: PlanStarted.name, body: { ...base, attempt: 1 } }),
    event({ name: PlanWritten.name, body: { ...base, attempt: 1, plan } }),
  ];
  for (let steps = 0; queue.length > 0; steps += 1) {
    if (steps > 2000) throw new Error('the run does not end');
    const [next] = queue.splice(pick(queue.length), 1);
    if (next === undefined) break;
    const decision = decide(result.state, next);
    result.state = decision.state;
    result.progress.push(progressOf(decision.state));
    result.peak = Math.max(result.peak, decision.state.scenes.filter(({ status }) => status === 'generating').length);
    const fateOfDelivery = chaos();
    if (fateOfDelivery === 'crash') {
      queue.push(next);
      continue;
    }
    if (fateOfDelivery === 'twice') queue.push(next);
    for (const outgoing of decision.outgoing) {
      encodeMessage(outgoing);
      const id = messageId(outgoing.definition, outgoing.body);
      if (outgoing.definition.kind !== 'command' || result.commands.has(id)) continue;
      result.commands.set(id, outgoing);
      const reply = answer(outgoing, fate);
      if (reply !== undefined) queue.push(reply);
    }
  }
  return result;
}
const succeeds = (): Fate => 'works';
const inOrder = (): number => 0;
const noChaos = (): 'deliver' => 'deliver';

describe('director', () => {
  it.each([
    [3, 1],
    [5, 3],
    [7, 4],
    [3, 4],
  ])('brings %i scenes through a window of %i', (scenes, window) => {
    const { state, commands, peak } = run(job(window, scenes), inOrder, noChaos, succeeds);
    expect(state.status).toBe('succeeded');
    expect(peak).toBe(Math.min(scenes, window));
    expect([...commands.values()].filter(({ definition }) => definition.name === ClipGenerate.name)).toHaveLength(
      scenes,
    );
    expect(progressOf(state)).toBe(100);
  });

  it('sends a clip to the next step at once, while other clips are still being generated', () => {
    const start = job(4);
    const planned = decide(
      decide(initialState(start), event({ name: PlanStarted.name, body: { ...base, attempt: 1 } })).state,
      event({ name: PlanWritten.name, body: { ...base, attempt: 1, plan: planFromTemplate(start) } }),
    );
    const third = planned.outgoing.find(({ body }) => (body as { scene?: number }).scene === 2);
    const { outgoing, state } = decide(planned.state, answer(third!, succeeds)!);
    expect(outgoing.map(({ definition }) => definition.name)).toEqual([NEXT_STEP.command, 'generation.progressed']);
    const { status: next } = NEXT_STEP;
    expect(state.scenes.map(({ status }) => status)).toEqual(['generating', 'generating', next, 'generating']);
  });

  it('falls back to the next model when one fails, and counts each prediction once', () => {
    const fallback = run(job(2), inOrder, noChaos, (scene) => (scene === 1 ? 'next model' : 'works'));
    expect(fallback.state.status).toBe('succeeded');
    expect(fallback.state.scenes[1]).toMatchObject({ modelIndex: 1, status: 'done' });
    expect(fallback.state.costMicros).toBe(4 * 480_000);
  });

  it('keeps the finished scenes when one is refused', () => {
    const { state } = run(job(2), inOrder, noChaos, (scene) => (scene === 2 ? 'refused' : 'works'));
    expect(state.status).toBe('failed');
    expect(state.failure).toMatchObject({ code: 'PREDICTION_REFUSED', scene: 2 });
    expect(state.scenes.map(({ status }) => status)).toEqual(['done', 'done', 'failed', 'done']);
  });

  it('sends nothing after a cancel, and still counts late charges', () => {
    const start = job(4);
    const planned = decide(
      initialState(start),
      event({ name: PlanWritten.name, body: { ...base, attempt: 1, plan: planFromTemplate(start) } }),
    );
    const canceled = decide(planned.state, event({ name: CancelRequested.name, body: { ...base, reason: 'enough' } }));
    expect(canceled.state.status).toBe('canceled');
    expect(canceled.outgoing.map(({ definition }) => definition.name)).toEqual(['generation.canceled']);
    const late = decide(canceled.state, answer(planned.outgoing[0]!, succeeds)!);
    expect(late.outgoing).toEqual([]);
    expect(late.state).toMatchObject({ status: 'canceled', costMicros: 480_000 });
  });

  const schedules = fc.record({
    window: fc.integer({ min: 1, max: 5 }),
    scenes: fc.integer({ min: 3, max: 7 }),
    picks: fc.infiniteStream(fc.nat()),
    chaos: fc.infiniteStream(
      fc.constantFrom('deliver' as const, 'deliver' as const, 'twice' as const, 'crash' as const),
    ),
    fates: fc.array(fc.constantFrom<Fate>('works', 'works', 'works', 'next model', 'refused', 'step fails'), {
      minLength: 7,
      maxLength: 7,
    }),
  });

  it('ends in plan order and within its window, with repeated, reordered and lost messages', () => {
    fc.assert(
      fc.property(schedules, ({ window, scenes, picks, chaos, fates }) => {
        const fate = (scene: number): Fate => fates[scene] ?? 'works';
        let calls = 0;
        const { state, commands, peak, progress } = run(
          job(window, scenes),
          (size) => (picks.next().value as number) % size,
          () => ((calls += 1) > 300 ? 'deliver' : (chaos.next().value as 'deliver' | 'twice' | 'crash')),
          fate,
        );
        expect(isFinal(state.status)).toBe(true);
        expect(peak).toBeLessThanOrEqual(window);
        expect(progress).toEqual([...progress].sort((a, b) => a - b));
        const clips = [...commands.values()].filter(({ definition }) => definition.name === ClipGenerate.name);
        const wanted = state.scenes.reduce((sum, { index }) => sum + (fate(index) === 'next model' ? 2 : 1), 0);
        expect(clips).toHaveLength(wanted);
        const bad = state.scenes.filter(({ index }) => fate(index) === 'refused' || fate(index) === 'step fails');
        expect(state.status).toBe(bad.length === 0 ? 'succeeded' : 'failed');
        if (bad.length > 0) expect(state.failure?.scene).toBe(bad[0]?.index);
        const stitch = [...commands.values()].filter(({ definition }) => definition.name === StitchRender.name);
        expect(stitch).toHaveLength(bad.length === 0 ? 1 : 0);
        const order = (stitch[0]?.body as StitchRenderBody | undefined)?.scenes.map(({ index }) => index) ?? [];
        expect(order).toEqual([...order].sort((a, b) => a - b));
        expect(order).toHaveLength(bad.length === 0 ? state.scenes.length : 0);
        expect(state.costMicros).toBe(state.scenes.filter(({ index }) => fate(index) !== 'refused').length * 480_000);
      }),
      { numRuns: 500 },
    );
  });

  const planned = (start: Job) =>
    decide(
      initialState(start),
      event({ name: PlanWritten.name, body: { ...base, attempt: 1, plan: planFromTemplate(start) } }),
    );
  const clips = (outgoing: readonly Outgoing[]): ClipGenerateBody[] =>
    outgoing
      .filter(({ definition }) => definition.name === ClipGenerate.name)
      .map(({ body }) => body as ClipGenerateBody);
  const retried = (state: GenerationState): DirectorEvent =>
    event({ name: RetryRequested.name, body: { ...base, run: state.run + 1 } });

  it('passes the reference image to every clip', () => {
    const sha256 = 'c'.repeat(64);
    const referenceImage = { key: `cc/${sha256}.png`, sha256, bytes: 1, contentType: 'image/png' };
    const asked = clips(planned({ ...job(2), referenceImage }).outgoing);
    expect(asked.map((clip) => clip.referenceImage)).toEqual([referenceImage, referenceImage]);
    expect(clips(planned(job(2)).outgoing)[0]).not.toHaveProperty('referenceImage');
  });

  it('runs only what is missing when a failed generation is retried', () => {
    const first = run(job(2), inOrder, noChaos, (scene) =>
      scene === 1 ? 'refused' : scene === 2 ? 'step fails' : 'works',
    );
    expect(first.state).toMatchObject({ status: 'failed', run: 1 });
    const { state, outgoing } = decide(first.state, retried(first.state));
    expect(state).toMatchObject({ status: 'generating', run: 2 });
    expect(state.failure).toBeUndefined();
    const failing = failingStep(2);
    expect(state.scenes.map(({ status }) => status)).toEqual(['done', 'generating', failing.status, 'done']);
    expect(outgoing.map(({ definition, body }) => [definition.name, (body as { scene?: number }).scene])).toEqual([
      [ClipGenerate.name, 1],
      [failing.command, 2],
      ['generation.progressed', undefined],
    ]);
    expect(decide(state, retried(first.state)).outgoing).toHaveLength(2);
    let after = state;
    const open = [...outgoing];
    for (const command of open) {
      const reply = answer(command, succeeds);
      if (reply === undefined) continue;
      const next = decide(after, reply);
      after = next.state;
      open.push(...next.outgoing);
    }
    expect(after).toMatchObject({ status: 'succeeded', run: 2 });
    expect(after.scenes.every(({ status }) => status === 'done')).toBe(true);
  });

  it('retries the plan, or the stitch, when that has failed', () => {
    const failed = { ...failure(0, 'PREDICTION_REFUSED'), stage: 'llm' as const };
    const unplanned = decide(
      initialState(job(2)),
      event({ name: PlanFailed.name, body: { ...base, attempt: 1, failure: failed } }),
    ).state;
    expect(unplanned.status).toBe('failed');
    const again = decide(unplanned, retried(unplanned));
    expect(again.state).toMatchObject({ status: 'queued', planning: { attempt: 2 } });
    expect(again.outgoing[0]?.body).toMatchObject({ attempt: 2 });

    const joined = run(job(4), inOrder, noChaos, succeeds);
    const { result: _result, finishedBy: _by, finishedAt: _at, ...unjoined } = joined.state;
    const broken = decide(
      { ...unjoined, status: 'composing', stage: 'stitch' },
      event({ name: StitchFailed.name, body: { ...base, attempt: 1, failure: { ...failed, stage: 'stitch' } } }),
    ).state;
    expect(broken).toMatchObject({ status: 'failed', failure: { stage: 'stitch' } });
    const rejoin = decide(broken, retried(broken));
    expect(rejoin.state).toMatchObject({ status: 'composing', stitch: { attempt: 2 } });
    expect(rejoin.outgoing.map(({ definition }) => definition.name)).toEqual([
      StitchRender.name,
      'generation.progressed',
    ]);
  });

  it('retries only failed generations, and each run once', () => {
    for (const state of [initialState(job(2)), run(job(2), inOrder, noChaos, succeeds).state]) {
      expect(decide(state, retried(state)).state).toBe(state);
    }
    const failed = run(job(2), inOrder, noChaos, () => 'refused').state;
    expect(decide(failed, event({ name: RetryRequested.name, body: { ...base, run: 3 } })).state).toBe(failed);
  });

  const retriedEvent = (fault: number, code: Failure['code'] = 'PROVIDER_RATE_LIMITED'): DirectorEvent =>
    event({
      name: WorkRetried.name,
      body: {
        ...base,
        messageId: `clip.generate:${generationId}:0.1`,
        fault,
        delayMs: 1000,
        failure: { ...failure(0, 'PREDICTION_FAILED'), code },
      },
    });

  it('narrows the window to one scene after repeated provider failures, and buys nothing twice', () => {
    const start = planned(job(3, 5));
    const after = [1, 1, 2, 2].reduce((state, fault) => decide(state, retriedEvent(fault)).state, start.state);
    expect(after).toMatchObject({ window: 3, failures: { length: 2 } });
    const narrowed = decide(after, retriedEvent(3));
    expect(narrowed.state).toMatchObject({ window: 1, fallback: { code: 'PROVIDER_RATE_LIMITED', window: 3 } });
    expect(clips(narrowed.outgoing)).toEqual([]);
    let at = narrowed.state;
    const started: number[] = [];
    for (const command of clips(start.outgoing)) {
      const next = decide(at, answer(message(ClipGenerate, command), succeeds)!);
      at = next.state;
      started.push(...clips(next.outgoing).map(({ scene }) => scene));
    }
    expect(started).toEqual([3]);
    expect(at.scenes.filter(({ status }) => status === 'generating')).toHaveLength(1);
  });

  it('records each incident once', () => {
    const start = planned(job(3, 5)).state;
    const after = [1, 1, 2].reduce((state, fault) => decide(state, retriedEvent(fault)).state, start);
    expect(after.incidents).toMatchObject([
      { kind: 'retried', code: 'PROVIDER_RATE_LIMITED', scene: 0, stage: 'clip', at },
      { kind: 'retried', code: 'PROVIDER_RATE_LIMITED', scene: 0 },
    ]);
  });

  it('keeps its window when the prompt causes the failures', () => {
    const { state } = [1, 2, 3, 4].reduce(
      (at, fault) => decide(at.state, retriedEvent(fault, 'PREDICTION_REFUSED')),
      planned(job(3, 5)),
    );
    expect(state).toMatchObject({ window: 3, failures: [] });
  });

  const stall = (revival: number, revive = true): DirectorEvent =>
    event({ name: StallNoticed.name, body: { ...base, revival, idleMs: 61_000, revive } });

  it('sends lost commands again under new ids, once per stall, and accepts answers to either', () => {
    const start = planned(job(2, 3));
    const revived = decide(start.state, stall(1));
    expect(clips(revived.outgoing).map(({ scene, attempt, revival }) => [scene, attempt, revival])).toEqual([
      [0, 1, 1],
      [1, 1, 1],
    ]);
    const idsOf = (list: ClipGenerateBody[]): string[] => list.map((body) => messageId(ClipGenerate, body));
    expect(idsOf(clips(revived.outgoing))).not.toEqual(idsOf(clips(start.outgoing)));
    expect(idsOf(clips(decide(revived.state, stall(1)).outgoing))).toEqual(idsOf(clips(revived.outgoing)));
    const late = decide(revived.state, answer(start.outgoing[0]!, succeeds)!);
    expect(late.state.scenes[0]).toMatchObject({ status: NEXT_STEP.status });
    const waiting = decide(initialState(job(2)), stall(1));
    expect(waiting.outgoing[0]?.body).toMatchObject({ attempt: 1, revival: 1 });
  });

  it('fails as stalled when sending again did not help, and can be retried', () => {
    const { state } = decide(planned(job(2, 3)).state, stall(1, false));
    expect(state).toMatchObject({ status: 'failed', failure: { code: 'STALLED', stage: 'clip' } });
    const again = decide(state, retried(state));
    expect(clips(again.outgoing).map(({ scene, attempt }) => [scene, attempt])).toEqual([
      [0, 2],
      [1, 2],
    ]);
  });
});
