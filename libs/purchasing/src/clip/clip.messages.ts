import {
  ClipFailed,
  type ClipGenerateBody,
  ClipmeshError,
  message,
  type Outgoing,
  toFailure,
  WorkRetried,
} from '@clipmesh/contracts';

const failureBody = (body: ClipGenerateBody, error: unknown) => ({
  generationId: body.generationId,
  at: new Date().toISOString(),
  charges: error instanceof ClipmeshError ? [...error.charges] : [],
  failure: toFailure(error, { stage: 'clip', scene: body.scene, model: body.model }),
});

/** The events for a clip command that failed for good. */
export const clipFailed = (body: ClipGenerateBody, { error }: { error: unknown }): Outgoing[] => [
  message(ClipFailed, { ...failureBody(body, error), scene: body.scene, attempt: body.attempt, model: body.model }),
];

/** The events for a failed try that is followed by another one. */
export const clipRetried = (
  body: ClipGenerateBody,
  { error, ...retry }: { error: unknown; messageId: string; fault: number; delayMs: number },
): Outgoing[] => [message(WorkRetried, { ...failureBody(body, error), ...retry })];
