import { describe, expect, it } from '@jest/globals';
import {
  ClipFailed,
  ClipGenerate,
  type ClipGenerateBody,
  FAILURE_CODES,
  type FailureCode,
  type GenerationState,
  type Job,
  messageId,
  type Outgoing,
  RetryRequested,
} from '@clipmesh/contracts';
import { type DirectorEvent } from './director.event.js';
import { initialState } from './director.js';
import { planFromTemplate } from '../plan/plan.writer.js';
import {
  at,
  chargeOf,
  clipsIn as clips,
  failureOf,
  FIRST,
  generationId,
  jobOf,
  planWritten,
  SECOND,
  decide,
  regenerateScene,
  clipPrice,
} from '../../test/director.samples.js';

const job = (more: Partial<Job> = {}): Job =>
  jobOf({
    ...{ durationSeconds: 9, aspectRatio: '16:9', seed: 7, models: [FIRST, SECOND], window: 4, fallbackAfter: 2 },
    ...more,
  });
/** A plan with the job's number of scenes, whatever its duration. */
const plan = (of: Job) => {
  const whole = planFromTemplate(of);
  return { ...whole, scenes: whole.scenes.slice(0, of.sceneCount) };
};
const planned = (of: Job) => decide(initialState(of), planWritten(of, plan(of)));
const ofScene = (outgoing: readonly Outgoing[], scene: number): ClipGenerateBody | undefined =>
  clips(outgoing).find((command) => command.scene === scene);

let purchaseCount = 0;
function failed(command: ClipGenerateBody, code: FailureCode, charged = false): DirectorEvent {
  const { scene, attempt, model, durationSeconds } = command;
  const charge = chargeOf({
    key: `prediction:${(purchaseCount += 1)}`,
    ...{ model, quantity: durationSeconds, amountMicros: clipPrice(model, durationSeconds) ?? 0, scene },
    outcome: 'failed',
  });
  const failure = failureOf(code, { scene, charged, model });
  const body = { generationId, at, charges: charged ? [charge] : [], scene, attempt, model, failure };
  return { id: messageId(ClipFailed, body), name: 'clip.failed', body };
}

describe('a scene whose clip has failed', () => {
  const next: Partial<Record<FailureCode, 'another seed' | 'the next model'>> = {
    OUTPUT_REFUSED: 'another seed',
    PROVIDER_RATE_LIMITED: 'the next model',
    PROVIDER_UNAVAILABLE: 'the next model',
    PROVIDER_TIMEOUT: 'the next model',
    PROVIDER_BAD_INPUT: 'the next model',
    PROVIDER_BAD_ANSWER: 'the next model',
    PREDICTION_FAILED: 'the next model',
    MODEL_FAILED: 'the next model',
  };
  const decided: readonly FailureCode[] = [
    ...(Object.keys(next) as FailureCode[]),
    'PREDICTION_REFUSED',
    'PROVIDER_AUTH',
    'PROVIDER_OUT_OF_CREDIT',
    'CANCELED',
  ];
  it.each(decided)('after %s', (code) => {
    const { state, outgoing } = planned(job());
    const command = ofScene(outgoing, 1);
    const after = decide(state, failed(command!, code));
    const again = ofScene(after.outgoing, 1);
    const reaction =
      again === undefined
        ? 'nothing'
        : again.model === command!.model && again.seed !== command!.seed
          ? 'another seed'
          : again.model === SECOND && again.seed === command!.seed
            ? 'the next model'
            : 'something else';
    expect(reaction).toBe(next[code] ?? 'nothing');
    expect(after.state.scenes[1]?.status).toBe(next[code] === undefined ? 'failed' : 'generating');
    expect(FAILURE_CODES[code].hint).not.toBe('');
  });
});

describe('an output that is refused', () => {
  /** The scene's commands until it fails, each of them refused. */
  function refuse(of: Job): { commands: ClipGenerateBody[]; state: GenerationState } {
    const start = planned(of);
    let { state } = start;
    let command = ofScene(start.outgoing, 0);
    const commands: ClipGenerateBody[] = [];
    for (let turn = 0; command !== undefined && turn < 9; turn += 1) {
      commands.push(command);
      const after = decide(state, failed(command, 'OUTPUT_REFUSED', true));
      state = after.state;
      command = ofScene(after.outgoing, 0);
    }
    return { commands, state };
  }

  it.each([
    ['without a cap', undefined],
    ['under a cap', 50_000_000],
  ])('is retried once on the same model with another seed, then fails as charged, %s', (_name, cap) => {
    const { commands, state } = refuse(job(cap === undefined ? {} : { maxCostMicros: cap }));
    expect(commands.map(({ model }) => model)).toEqual([FIRST, FIRST]);
    expect(new Set(commands.map(({ seed }) => seed)).size).toBe(2);
    expect(new Set(commands.map((body) => messageId(ClipGenerate, body))).size).toBe(2);
    const [scene] = state.scenes;
    expect(scene).toMatchObject({ status: 'failed', failure: { code: 'OUTPUT_REFUSED', charged: true } });
    expect(scene?.costMicros).toBe(2 * (clipPrice(FIRST, commands[0]!.durationSeconds) ?? 0));
    expect(scene).not.toHaveProperty('allowanceMicros');
  });

  it('repeats the same command when the event is redelivered', () => {
    const start = planned(job());
    const event = failed(ofScene(start.outgoing, 0)!, 'OUTPUT_REFUSED');
    const once = decide(start.state, event);
    const twice = decide(once.state, event);
    expect(twice.state).toBe(once.state);
    expect(ofScene(twice.outgoing, 0)).toEqual(ofScene(once.outgoing, 0));
  });

  it.each([
    ['with no other model', [FIRST], 0],
    ['with a cheaper model that would fit', [FIRST, SECOND], 1],
  ] as const)('fails with the refusal when the cap does not allow the same model again, %s', (_name, models, more) => {
    const of = job({ sceneCount: 1, models: [...models] });
    const seconds = plan(of).scenes[0]?.durationSeconds ?? 0;
    const price = (model: string): number => clipPrice(model, seconds) ?? 0;
    expect(price(SECOND)).toBeLessThan(price(FIRST));
    const { commands, state } = refuse({ ...of, maxCostMicros: price(FIRST) + more * price(SECOND) });
    expect(commands.map(({ model }) => model)).toEqual([FIRST]);
    expect(state.scenes[0]).toMatchObject({
      ...{ status: 'failed', modelIndex: 0, costMicros: price(FIRST) },
      failure: { code: 'OUTPUT_REFUSED', charged: true },
    });
  });

  it('waits for money that clips in progress release, and keeps its model', () => {
    const of = job({ sceneCount: 2 });
    const price = clipPrice(FIRST, plan(of).scenes[0]?.durationSeconds ?? 0) ?? 0;
    const other = clipPrice(FIRST, plan(of).scenes[1]?.durationSeconds ?? 0) ?? 0;
    const start = planned({ ...of, maxCostMicros: 2 * price + other - 1 });
    const waiting = decide(start.state, failed(ofScene(start.outgoing, 0)!, 'OUTPUT_REFUSED', true));
    expect(waiting.state.scenes[0]).toMatchObject({ status: 'waiting', failure: { code: 'OUTPUT_REFUSED' } });
    const after = decide(waiting.state, failed(ofScene(start.outgoing, 1)!, 'PREDICTION_REFUSED'));
    expect(ofScene(after.outgoing, 0)?.model).toBe(FIRST);
    expect(after.state.scenes[0]).not.toHaveProperty('failure');
  });

  it('starts a retry with a seed that was not refused, and may change it once more', () => {
    const { commands, state } = refuse(job({ sceneCount: 1 }));
    expect(state.status).toBe('failed');
    const body = { generationId, at, charges: [], run: 2 };
    const retried = decide(state, { id: messageId(RetryRequested, body), name: 'retry.requested', body });
    const command = ofScene(retried.outgoing, 0)!;
    expect(commands.map(({ seed }) => seed)).not.toContain(command.seed);
    const after = decide(retried.state, failed(command, 'OUTPUT_REFUSED'));
    expect(ofScene(after.outgoing, 0)?.seed).not.toBe(command.seed);
  });

  it('may change its seed again after the scene was regenerated', () => {
    const of = job({ sceneCount: 1 });
    const { state } = refuse(of);
    const reopened = regenerateScene(state, { scene: 0, plan: plan(of), seed: 99 }, 'again');
    expect(reopened.scenes[0]).not.toHaveProperty('reseeded');
    expect(reopened.scenes[0]).toMatchObject({ seed: 99, status: 'generating' });
  });

  it('wraps around after the largest seed', () => {
    const { commands } = refuse(job({ seed: 2_147_483_647 }));
    expect(commands.every(({ seed }) => seed >= 0 && seed <= 2_147_483_647)).toBe(true);
  });
});

describe('prompts that fail for an unknown reason', () => {
  it('cost one purchase per scene and model, and do not narrow the window', () => {
    const of = job();
    const start = planned(of);
    let { state } = start;
    const commands = [...clips(start.outgoing)];
    for (let index = 0; index < commands.length; index += 1) {
      const after = decide(state, failed(commands[index]!, 'MODEL_FAILED'));
      state = after.state;
      commands.push(...clips(after.outgoing));
    }
    const pairs = commands.map(({ scene, model }) => `${scene} ${model}`);
    expect(new Set(pairs).size).toBe(pairs.length);
    expect(pairs).toHaveLength(start.state.scenes.length * of.models.length);
    expect(state).toMatchObject({ status: 'failed', window: 4, failures: [], failure: { code: 'MODEL_FAILED' } });
  });
});
