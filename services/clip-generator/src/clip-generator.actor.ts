import {
  ClipFailed,
  ClipGenerate,
  type ClipGenerateBody,
  ClipmeshError,
  message,
  type Outgoing,
  toFailure,
  WorkRetried,
} from '@clipmesh/contracts';
import { type HandlerContext, Inbox } from '@clipmesh/messaging';
import { Controller, Inject } from '@nestjs/common';
import { type ClipParts } from './clip.parts.js';
import { buyClip } from './clip.purchase.js';

export const CLIP_PARTS = Symbol('CLIP_PARTS');

const now = (): string => new Date().toISOString();
const told = (body: ClipGenerateBody, error: unknown) => ({
  generationId: body.generationId,
  at: now(),
  charges: error instanceof ClipmeshError ? [...error.charges] : [],
  failure: toFailure(error, { stage: 'clip', scene: body.scene, model: body.model }),
});

@Controller()
export class ClipGeneratorActor {
  constructor(@Inject(CLIP_PARTS) private readonly parts: ClipParts) {}

  @Inbox({
    inbox: 'clip-generator',
    message: ClipGenerate,
    stage: 'clip',
    failed: (body: ClipGenerateBody, { error }: { error: unknown }): Outgoing[] => [
      message(ClipFailed, { ...told(body, error), scene: body.scene, attempt: body.attempt, model: body.model }),
    ],
    retried: (body: ClipGenerateBody, { error, ...retry }): Outgoing[] => [
      message(WorkRetried, { ...told(body, error), ...retry }),
    ],
  })
  async receive(body: ClipGenerateBody, context: HandlerContext): Promise<readonly Outgoing[]> {
    return buyClip(this.parts, body, context.signal);
  }
}
