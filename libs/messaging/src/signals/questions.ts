import { chargeFields, checkedValue, ClipmeshError, generationIdSchema } from '@clipmesh/contracts';
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
import { type BrokerAccess, connectionOptions } from '../broker/broker.access.js';
import { headerGetter, headerSetter } from '../broker/header.carrier.js';

/** Declaration of a NATS request and reply. A queue group shares the requests; nothing is stored. */
export interface QuestionDefinition<Ask, Answer> {
  /** `noun.noun`: the subject and the Nest pattern. */
  readonly name: string;
  readonly ask: z.ZodType<Ask>;
  readonly answer: z.ZodType<Answer>;
}

/** The cost of a generation so far. The cost service answers from its ledger. */
export const CostSummary = {
  name: 'cost.summary',
  ask: z.object({ generationId: generationIdSchema }),
  answer: z.object({
    totalMicros: z.int().nonnegative(),
    /** Sorted by key. `at`: time of the event, UTC. */
    entries: z.array(chargeFields.extend({ at: z.iso.datetime() })),
  }),
} as const satisfies QuestionDefinition<unknown, unknown>;
export type CostSummaryAnswer = z.infer<typeof CostSummary.answer>;

/** Options of Nest's NATS transport. With `queue`, the replicas of a service share the requests. */
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
 * Sends a request and waits at most `timeoutMs` for the reply. Throws `TIMEOUT`, `SCHEMA_VIOLATION` for an invalid reply, and
 * the error of the transport if nobody listens.
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
      return checkedValue(question.answer, raw, `the answer to ${question.name}`);
    },
    SpanKind.CLIENT,
  );
}

/** Validates a request, answers it in the trace of the requester, and validates the reply. */
export async function answerQuestion<Ask, Answer>(
  question: QuestionDefinition<Ask, Answer>,
  raw: unknown,
  request: NatsContext,
  work: (body: Ask) => Promise<Answer>,
): Promise<Answer> {
  const parent = propagation.extract(context.active(), request.getHeaders() as MsgHdrs | undefined, headerGetter);
  return context.with(parent, () =>
    withSpan(
      'clipmesh.messaging',
      `answer ${question.name}`,
      { 'messaging.system': 'nats', 'messaging.destination.name': question.name },
      async () =>
        checkedValue(
          question.answer,
          await work(checkedValue(question.ask, raw, question.name)),
          `the answer to ${question.name}`,
        ),
      SpanKind.SERVER,
    ),
  );
}
