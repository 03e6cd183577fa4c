import { describe, expect, it } from '@jest/globals';
import { COMMANDS, WORK_COMMANDS } from './messages/commands.js';
import { eventNamed } from './messages/events.js';
import { commandStream, INBOXES, type InboxSpec } from './messages/topology.js';
import { SCENE_STATUSES, stepOf } from './schemas/generation.js';
import {
  COMMAND_INBOXES,
  LAST_STEP,
  SCALED_SERVICES,
  SCENE_STEPS,
  SERVICE_PROGRAMS,
  SERVICES,
  STAGES,
  stepAfter,
} from './services.js';

const sorted = (list: readonly string[]): string[] => [...list].sort();
/** Whether no value stands twice in the list. */
const isUnique = (list: readonly unknown[]): boolean => new Set(list).size === list.length;

describe('the table of services', () => {
  it('gives each command to one service', () => {
    const commands = COMMAND_INBOXES.map(({ command }) => command);
    expect(sorted(commands)).toEqual(sorted(COMMANDS.map(({ name }) => name)));
  });

  it('makes one inbox for each command, on its stream', () => {
    for (const { inbox, command } of COMMAND_INBOXES)
      expect(INBOXES[inbox].stream).toBe(commandStream({ name: command }));
    expect(INBOXES.overlay).toEqual({ durable: 'overlay', stream: 'OVERLAY_APPLY', filterSubject: 'overlay.apply.>' });
    expect(INBOXES.webhooks).toEqual({
      durable: 'webhooks',
      stream: 'WEBHOOK_DELIVER',
      filterSubject: 'webhook.deliver.>',
      maxAckPending: 100_000,
    });
    expect(isUnique(Object.values<InboxSpec>(INBOXES).map(({ durable }) => durable))).toBe(true);
  });

  it('names steps whose events exist, and that carry a file or a failure', () => {
    for (const { done, failed } of SCENE_STEPS) {
      const [file, failure] = [done, failed].map((name) => Object.keys(shapeOf(name)));
      expect({ done, file }).toMatchObject({ file: expect.arrayContaining(['scene', 'attempt', 'clip']) });
      expect({ failed, failure }).toMatchObject({ failure: expect.arrayContaining(['scene', 'attempt', 'failure']) });
    }
  });

  it('uses each stage, status, event and field once', () => {
    expect(isUnique(STAGES)).toBe(true);
    expect(isUnique(SCENE_STATUSES)).toBe(true);
    expect(isUnique(SCENE_STEPS.flatMap(({ done, failed }) => [done, failed]))).toBe(true);
    expect(isUnique(SCENE_STEPS.map(({ result }) => result))).toBe(true);
  });

  it('lets the progress of a scene grow with each step', () => {
    const shares = SCENE_STEPS.map(({ progress }) => progress);
    expect(shares).toEqual(shares.toSorted((a, b) => a - b));
    expect(Math.min(...shares)).toBeGreaterThan(0);
    expect(Math.max(...shares)).toBeLessThan(1);
  });

  it('puts the steps in order', () => {
    expect(SCENE_STEPS.map(stepAfter)).toEqual([...SCENE_STEPS.slice(1), undefined]);
    expect(stepAfter(LAST_STEP)).toBeUndefined();
    expect(SCENE_STATUSES.map(stepOf)).toEqual([undefined, ...SCENE_STEPS, undefined, undefined, undefined]);
  });
});

/** Names in stored records, in messages and in the HTTP API: what an older version wrote has to be read. */
describe('what derives from the table', () => {
  it('has the names of earlier versions', () => {
    expect(SERVICES).toEqual(
      expect.arrayContaining(['gateway', 'planner', 'clip-generator', 'overlay', 'speaker', 'stitcher', 'cost']),
    );
    expect(SCALED_SERVICES).toEqual(SERVICES.filter((name) => name !== 'gateway'));
    expect(SERVICE_PROGRAMS).toEqual([...SERVICES, 'sandbox']);
    expect(STAGES).toEqual(expect.arrayContaining(['llm', 'planning', 'clip', 'overlay', 'stitch', 'audio', 'export']));
    expect(SCENE_STATUSES).toEqual(
      expect.arrayContaining(['waiting', 'generating', 'composing', 'done', 'failed', 'canceled']),
    );
    expect(SCENE_STEPS.map(({ result }) => result)).toEqual(expect.arrayContaining(['clip', 'overlaid']));
    expect(Object.keys(INBOXES)).toEqual(
      expect.arrayContaining(['planner', 'clip-generator', 'overlay', 'stitcher', 'webhooks']),
    );
    expect(WORK_COMMANDS.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['generation.plan', 'clip.generate', 'overlay.apply', 'speech.speak', 'stitch.render']),
    );
    expect(WORK_COMMANDS.map(({ name }) => name)).not.toContain('webhook.deliver');
  });
});

function shapeOf(name: Parameters<typeof eventNamed>[0]): object {
  const { schema } = eventNamed(name);
  if (!('shape' in schema)) throw new Error(`${name} has no fields`);
  return schema.shape as object;
}
