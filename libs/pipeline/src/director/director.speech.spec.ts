import { describe, expect, it } from '@jest/globals';
import {
  type GenerationState,
  LAST_STEP,
  type Outgoing,
  type Plan,
  RetryRequested,
  SpeechFailed,
  SpeechSpeak,
  type SpeechSpeakBody,
  SpeechSpoken,
  StallNoticed,
  StitchRender,
  type StitchRenderBody,
} from '@clipmesh/contracts';
import { planFromTemplate } from '../plan/plan.writer.js';
import { type DirectorEvent } from './director.event.js';
import { committedBy } from './director.budget.js';
import { initialState } from './director.js';
import { base, chargeOf, decide, failureOf, fileOf, jobOf, planWritten } from '../../test/director.samples.js';

const job = jobOf({ voiceover: { voice: 'nova', sceneMaxMicros: 1000 } });
const [first, second, third] = planFromTemplate(job).scenes;
const plan = {
  ...planFromTemplate(job),
  scenes: [
    { ...first, script: 'One.' },
    { ...second, script: '…' },
    { ...third, script: 'Three.' },
  ],
} as Plan;
let count = 0;
const event = ({ name }: { name: string }, body: object): DirectorEvent =>
  ({ name, body: { ...base, ...body }, id: `${name}.${(count += 1)}` }) as unknown as DirectorEvent;
const of = <Body>({ name }: { name: string }, outgoing: readonly Outgoing[]): Body[] =>
  outgoing.filter(({ definition }) => definition.name === name).map(({ body }) => body as Body);
const begin = (change = {}) => decide(initialState({ ...job, ...change }), planWritten(job, plan));
const spoken = (scene: number, attempt = 1, charges: readonly object[] = []): DirectorEvent =>
  event(SpeechSpoken, { scene, attempt, charges, speech: fileOf('b'), durationSeconds: 2, tempo: 1.1 });
const failed = (scene: number, attempt = 1): DirectorEvent =>
  event(SpeechFailed, { scene, attempt, failure: failureOf('PROVIDER_UNAVAILABLE', { stage: 'audio', scene }) });
/** The state with every scene but the last one done, and the event that finishes it. */
function nearlyDone(state: GenerationState): [GenerationState, DirectorEvent] {
  const scenes = state.scenes.map((scene, index) =>
    index < 2
      ? { ...scene, status: 'done' as const, [LAST_STEP.result]: fileOf('a') }
      : { ...scene, status: LAST_STEP.status },
  );
  const { attempt } = scenes[2] ?? {};
  return [{ ...state, scenes }, event({ name: LAST_STEP.done }, { scene: 2, attempt, clip: fileOf('a') })];
}

describe('the voice-over', () => {
  it('is requested for every scene with words, all at once, as soon as the plan is there', () => {
    const commands = of<SpeechSpeakBody>(SpeechSpeak, begin().outgoing);
    expect(commands.map(({ scene, script, attempt }) => [scene, script, attempt])).toEqual([
      [0, 'One.', 1],
      [2, 'Three.', 1],
    ]);
    expect(commands[0]).toMatchObject({ voice: 'nova', durationSeconds: 4, allowanceMicros: 1000 });
    expect(of(SpeechSpeak, begin({ voiceover: undefined }).outgoing)).toEqual([]);
  });

  it('keeps the video waiting until every speech has an answer; a failed one leaves its scene without a voice', () => {
    let { state } = begin();
    ({ state } = decide(state, spoken(0)));
    const [almost, last] = nearlyDone(state);
    const ended = decide(almost, last);
    expect(ended.state.status).toBe('generating');
    const { state: joined, outgoing } = decide(ended.state, failed(2));
    expect(joined.status).toBe('composing');
    expect(joined.incidents).toMatchObject([{ kind: 'failed', stage: 'audio', scene: 2 }]);
    const [stitch] = of<StitchRenderBody>(StitchRender, outgoing);
    expect(stitch?.speech).toEqual([{ scene: 0, speech: fileOf('b'), durationSeconds: 2, tempo: 1.1 }]);
  });

  it('ignores an answer to another command, and one that is repeated', () => {
    const { state } = begin();
    expect(decide(state, spoken(0, 7)).state).toBe(state);
    const once = decide(state, spoken(0)).state;
    expect(decide(once, failed(0)).state.scenes[0]?.speech?.status).toBe('spoken');
  });

  it('is requested again by a repeated event and after a stall, while it has no answer', () => {
    const { state } = begin();
    const answered = decide(state, spoken(2)).state;
    const again = of<SpeechSpeakBody>(SpeechSpeak, decide(answered, planWritten(job, plan)).outgoing);
    expect(again.map(({ scene }) => scene)).toEqual([0]);
    const stalled = decide(answered, event(StallNoticed, { revival: 1, idleMs: 1, revive: true }));
    expect(of<SpeechSpeakBody>(SpeechSpeak, stalled.outgoing)).toMatchObject([{ scene: 0, attempt: 1, revival: 1 }]);
  });

  it('is requested again by the next run where it failed, and stays where it is spoken', () => {
    let { state } = begin();
    for (const answer of [spoken(0), failed(2)]) ({ state } = decide(state, answer));
    const ended: GenerationState = {
      ...state,
      status: 'failed',
      scenes: state.scenes.map((scene) => ({ ...scene, status: 'failed', failure: failureOf('MODEL_FAILED') })),
    };
    const commands = of<SpeechSpeakBody>(SpeechSpeak, decide(ended, event(RetryRequested, { run: 2 })).outgoing);
    expect(commands).toMatchObject([{ scene: 2, attempt: 2 }]);
  });

  it('is reserved within a cap until it is answered, beside the clip of its scene', () => {
    const { state } = begin({ maxCostMicros: 100_000_000 });
    const clips = committedBy({ ...state, job: { ...job, voiceover: undefined } });
    expect(committedBy(state)).toBe(clips + 2000);
    const charge = chargeOf({ key: 's', kind: 'speech', stage: 'audio', amountMicros: 700 });
    expect(committedBy(decide(state, spoken(0, 1, [charge])).state)).toBe(clips + 1000 + 700);
  });
});
