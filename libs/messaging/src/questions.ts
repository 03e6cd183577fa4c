import { ClipmeshError, generationIdSchema, chargeSchema } from '@clipmesh/contracts';
import { withSpan } from '@clipmesh/tracing';
import { headers, type MsgHdrs } from '@nats-io/transport-node';
import {
  type ClientProxy,
  type NatsContext,
  type NatsOptions,
  NatsRecordBuilder,
  Transport,
} from '@nestjs/microservices';
import { context, propagation, SpanKind } from '@opentelemetry/api';
import { firstValueFrom, timeout } from 'rxjs';
import { z } from 'zod';
import { type BrokerAccess, connectionOptions } from './broker.access.js';
import { headerGetter, headerSetter } from './header.carrier.js';

/** Something that needs an answer now: NATS request and reply, shared by a queue group, kept nowhere. */
export interface QuestionDefinition<Ask, Answer> {
  /** `noun.noun`: the subject, and Nest's pattern. */
  readonly name: string;
  readonly ask: z.ZodType<Ask>;
  readonly answer: z.ZodType<Answer>;
}

/** What a generation has cost so far; answered by the cost service from its ledger. */
export const CostSummary = {
  name: 'cost.summary',
  ask: z.object({ generationId: generationIdSchema }),
  answer: z.object({
    totalMicros: z.int().nonnegative(),
    /** Sorted by key. `at`: when it was told, UTC. */
    entries: z.array(chargeSchema.extend({ at: z.iso.datetime() })),
  }),
} as const satisfies QuestionDefinition<unknown, unknown>;
export type CostSummaryAnswer = z.infer<typeof CostSummary.answer>;

/** Nest's NATS transport at the broker. With a queue the replicas of a service share its questions. */
export function questionTransport(
  access: BrokerAccess,
  { name, queue }: { readonly name: string; readonly queue?: string },
): Required<NatsOptions> {
  return {
    transport: Transport.NATS,
    options: { ...connectionOptions(access, name), ...(queue === undefined ? {} : { queue }) },
  };
}

/**
 * Asks and waits at most `timeoutMs`. Throws `TIMEOUT` without an answer in time, `SCHEMA_VIOLATION` for one that does not
 * fit, and what the transport throws when nobody listens.
 */
export async function ask<Ask, Answer>(
  client: ClientProxy,
  question: QuestionDefinition<Ask, Answer>,
  body: Ask,
  timeoutMs: number,
): Promise<Answer> {
  return withSpan(
    'clipmesh.messaging',
    `ask ${question.name}`,
    { 'messaging.system': 'nats', 'messaging.destination.name': question.name },
    async () => {
      const carrier = headers();
      propagation.inject(context.active(), carrier, headerSetter);
      const record = new NatsRecordBuilder(question.ask.parse(body)).setHeaders(carrier).build();
      const late = (): never => {
        throw new ClipmeshError('TIMEOUT', `${question.name} was not answered within ${timeoutMs} ms`);
      };
      const raw = await firstValueFrom(
        client.send<unknown>(question.name, record).pipe(timeout({ first: timeoutMs, with: late })),
      );
      return checked(question.answer, raw, `the answer to ${question.name}`);
    },
    SpanKind.CLIENT,
  );
}

/** Checks a question, answers it within the asker's trace, and checks the answer. */
export async function answerQuestion<Ask, Answer>(
  question: QuestionDefinition<Ask, Answer>,
  raw: unknown,
  asked: NatsContext,
  work: (body: Ask) => Promise<Answer>,
): Promise<Answer> {
  const parent = propagation.extract(context.active(), asked.getHeaders() as MsgHdrs | undefined, headerGetter);
  return context.with(parent, () =>
    withSpan(
      'clipmesh.messaging',
      `answer ${question.name}`,
      { 'messaging.system': 'nats', 'messaging.destination.name': question.name },
      async () =>
        checked(
          question.answer,
          await work(checked(question.ask, raw, question.name)),
          `the answer to ${question.name}`,
        ),
      SpanKind.SERVER,
    ),
  );
}

function checked<T>(schema: z.ZodType<T>, raw: unknown, what: string): T {
  const parsed = schema.safeParse(raw);
  if (parsed.success) return parsed.data;
  const detail = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'body'}: ${issue.message}`).join('; ');
  throw new ClipmeshError('SCHEMA_VIOLATION', `${what}: ${detail}`, { cause: parsed.error });
}
