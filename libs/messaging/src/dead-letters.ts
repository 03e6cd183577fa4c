import { ClipmeshError, type FailureCode, GENERATION_ID } from '@clipmesh/contracts';
import { type JetStreamClient, type JsMsg } from '@nats-io/jetstream';

/** A message that was given up, with everything needed to understand and replay it. */
export interface DeadLetter {
  readonly reason: { readonly code: FailureCode; readonly message: string };
  readonly subject: string;
  readonly headers: Readonly<Record<string, string>>;
  /** base64 */
  readonly payload: string;
  readonly deliveries: number;
  /** UTC */
  readonly deadAt: string;
}

const codeOf = (error: unknown): FailureCode => {
  if (error instanceof ClipmeshError) return error.code;
  return error instanceof Error && (error as { code?: unknown }).code === 'SCHEMA_VIOLATION'
    ? 'SCHEMA_VIOLATION'
    : 'INTERNAL';
};

/** Stores the dead letter of a message under `dead.<generationId>.<message name>`; once, however often it is given up. */
export async function bury(js: JetStreamClient, message: JsMsg, name: string, error: unknown): Promise<void> {
  const generationId = message.subject.split('.').find((token) => GENERATION_ID.test(token)) ?? 'unknown';
  const letter: DeadLetter = {
    reason: { code: codeOf(error), message: error instanceof Error ? error.message : String(error) },
    subject: message.subject,
    headers: Object.fromEntries((message.headers?.keys() ?? []).map((key) => [key, message.headers?.get(key) ?? ''])),
    payload: Buffer.from(message.data).toString('base64'),
    deliveries: message.info.deliveryCount,
    deadAt: new Date().toISOString(),
  };
  await js.publish(`dead.${generationId}.${name}`, JSON.stringify(letter), {
    msgID: `dead:${message.info.stream}:${message.seq}`,
  });
}
