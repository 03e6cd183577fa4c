import {
  ClipmeshError,
  message,
  type Outgoing,
  SpeechFailed,
  SpeechSpeak,
  type SpeechSpeakBody,
  SpeechSpoken,
  toFailure,
  WorkRetried,
} from '@clipmesh/contracts';
import { type HandlerContext, Inbox } from '@clipmesh/messaging';
import { Controller, Inject } from '@nestjs/common';
import { type SpeakDeps, speakScene } from './scene.speech.js';

export const SPEAKER_DEPS = Symbol('SPEAKER_DEPS');

const now = (): string => new Date().toISOString();
const failureBody = (body: SpeechSpeakBody, error: unknown) => ({
  generationId: body.generationId,
  at: now(),
  charges: error instanceof ClipmeshError ? [...error.charges] : [],
  failure: toFailure(error, { stage: 'audio', scene: body.scene }),
});

/** Buys the speech of a scene, or speaks it on this machine, and fits it into the scene. */
@Controller()
export class SpeakerActor {
  constructor(@Inject(SPEAKER_DEPS) private readonly deps: SpeakDeps) {}

  @Inbox({
    inbox: 'speaker',
    message: SpeechSpeak,
    stage: 'audio',
    failed: (body: SpeechSpeakBody, { error }: { error: unknown }): Outgoing[] => [
      message(SpeechFailed, { ...failureBody(body, error), scene: body.scene, attempt: body.attempt }),
    ],
    retried: (body: SpeechSpeakBody, { error, ...retry }): Outgoing[] => [
      message(WorkRetried, { ...failureBody(body, error), ...retry }),
    ],
  })
  async receive(body: SpeechSpeakBody, { signal, isLastTry }: HandlerContext): Promise<readonly Outgoing[]> {
    const { generationId, scene, attempt } = body;
    const { charges, ...spoken } = await speakScene(this.deps, body, signal, isLastTry);
    return [message(SpeechSpoken, { generationId, at: now(), charges: [...charges], scene, attempt, ...spoken })];
  }
}
