import { once } from 'node:events';
import { StitchRender } from '@clipmesh/contracts';
import { type HandlerContext } from '@clipmesh/messaging';
import { describe, expect, it } from '@jest/globals';
import { StitcherActor, type StitcherDeps } from './stitcher.actor.js';

const sha256 = 'a'.repeat(64);
const clip = { key: `aa/${sha256}.mov`, sha256, bytes: 1, contentType: 'video/quicktime' };
const body = StitchRender.schema.parse({
  generationId: `gen_${'0'.repeat(32)}`,
  attempt: 1,
  profile: { width: 180, height: 320, fps: 24 },
  scenes: [
    { index: 0, clip, durationSeconds: 3 },
    { index: 1, clip, durationSeconds: 3, transition: { kind: 'crossfade' } },
  ],
});

describe('a join whose sound cannot be mixed', () => {
  it('ends its other work before its folder is removed', async () => {
    const order: string[] = [];
    const deps = {
      media: {
        async blend(_input: unknown, _stage: string, { signal }: { signal: AbortSignal }) {
          await once(signal, 'abort');
          order.push('blend aborted');
          signal.throwIfAborted();
        },
        mix: () => Promise.reject(new Error('no sound')),
      },
      artifacts: { withFile: (_artifact: unknown, use: (path: string) => unknown) => use('/a.mov') },
      scratch: {
        async withFolder(use: (folder: string) => Promise<unknown>) {
          try {
            return await use('/scratch');
          } finally {
            order.push('folder removed');
          }
        },
      },
    };
    const actor = new StitcherActor(deps as unknown as StitcherDeps);
    const context = { signal: new AbortController().signal } as HandlerContext;
    await expect(actor.receive(body, context)).rejects.toThrow('no sound');
    expect(order).toEqual(['blend aborted', 'folder removed']);
  });
});
