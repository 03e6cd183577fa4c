import { describe, expect, it } from '@jest/globals';
import { type GenerationState, type Job, LAST_STEP, StitchRender, type StitchRenderBody } from '@clipmesh/contracts';
import { type DirectorEvent } from './director.event.js';
import { initialState } from './director.js';
import { commandsCausedBy } from './director.messages.js';
import { base, decide, fileOf, jobOf, planWritten } from '../../test/director.samples.js';

const job = jobOf();
const { state: begun } = decide(initialState(job), planWritten(job));

/** The command that joins the scenes of a job and a plan. */
function stitchOf(change: Partial<Job>, plan: { music?: { mood: 'warm' } | undefined } = {}): StitchRenderBody {
  if (begun.plan === undefined) throw new Error('no plan');
  const state: GenerationState = {
    ...begun,
    job: { ...job, ...change },
    plan: { ...begun.plan, ...plan },
    status: 'composing',
    stitch: { attempt: 1, cause: 'x' },
    scenes: begun.scenes.map((scene) => ({ ...scene, status: 'done', [LAST_STEP.result]: fileOf('a') })),
  };
  const event = { name: LAST_STEP.done, id: 'x', body: base } as unknown as DirectorEvent;
  const [command] = commandsCausedBy(state, event, new Map());
  return StitchRender.schema.parse(command?.body);
}

describe('the music of a video', () => {
  const music = { mood: 'warm' } as const;
  it.each<[string, Job['music'], StitchRenderBody['music']]>([
    ['is the bed that the plan chooses', undefined, { bed: 'warm', volume: 0.3 }],
    ['is that bed at the requested volume', { volume: 0.1 }, { bed: 'warm', volume: 0.1 }],
    ['is the requested bed', { bed: 'epic', volume: 0.5 }, { bed: 'epic', volume: 0.5 }],
    ['is none', { bed: 'none', volume: 0 }, undefined],
    ['is the upload', { artifact: fileOf('b'), volume: 0.3 }, { artifact: fileOf('b'), volume: 0.3 }],
  ])('%s', (_name, wanted, expected) => {
    expect(stitchOf(wanted === undefined ? {} : { music: wanted }, { music }).music).toEqual(expected);
  });
  it('is none when neither the job nor the plan chooses any', () => {
    expect(stitchOf({}, { music: undefined }).music).toBeUndefined();
  });
});
