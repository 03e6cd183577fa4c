import {
  type InboxName,
  type MessageBody,
  type MessageDefinition,
  type Outgoing,
  type Stage,
} from '@clipmesh/contracts';
import { applyDecorators, type ArgumentsHost, Catch, type RpcExceptionFilter, UseFilters } from '@nestjs/common';
import { Ctx, EventPattern, Payload } from '@nestjs/microservices';
import { type Observable, throwError } from 'rxjs';

/** Second argument of a handler. */
export interface HandlerContext {
  /** Aborts on cancel, on timeout and at shutdown. */
  readonly signal: AbortSignal;
  readonly messageId: string;
  /** Number of this try, from 1. */
  readonly tries: number;
  /** Whether the message becomes a dead letter if the handler throws this error now. */
  readonly isLastTry: (error: unknown) => boolean;
  /** W3C `traceparent` of the handler span. */
  readonly traceparent: string;
}

/** The inbox of a command. */
export interface InboxOptions<Body extends MessageBody> {
  readonly inbox: InboxName;
  readonly message: MessageDefinition<Body>;
  /** Stage that the work counts for. Absent: no stage and no spans. */
  readonly stage?: Stage;
  /** True: the command also runs for a canceled generation. Default: false. */
  readonly runsWhenCanceled?: boolean;
  /** Messages to publish when the message is given up. */
  readonly failed: (body: Body, failure: { error: unknown }) => readonly Outgoing[];
  /** Messages to publish when a try failed and another follows. `fault`: number of failures so far. */
  readonly retried?: (
    body: Body,
    retry: { error: unknown; messageId: string; fault: number; delayMs: number },
  ) => readonly Outgoing[];
}

/** Metadata of a handler for the transport. */
export interface Binding {
  readonly inbox: InboxName;
  /** Absent: every event of `EVENTS`. */
  readonly options?: InboxOptions<MessageBody>;
  /** True: the handler creates no spans. */
  readonly untraced?: boolean;
}

/** Passes the original error to settlement. Nest's default filter would replace it by "Internal server error". */
@Catch()
class PassThroughFilter implements RpcExceptionFilter<unknown> {
  catch(error: unknown, _host: ArgumentsHost): Observable<never> {
    return throwError(() => error);
  }
}

/** Binds the arguments (message, context): Nest passes only decorated arguments. */
const bind =
  (binding: Binding): MethodDecorator =>
  (target, method, descriptor) => {
    Payload()(target, method, 0);
    Ctx()(target, method, 1);
    // The type argument selects the overload that returns a MethodDecorator.
    // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-arguments
    const inbox: MethodDecorator = EventPattern<string>(`inbox:${binding.inbox}`, { binding });
    applyDecorators(inbox, UseFilters(new PassThroughFilter()))(target, method, descriptor);
  };

/** Declares the handler of one command: `receive(body, context) -> outgoing messages`. */
export function Inbox<Body extends MessageBody>(options: InboxOptions<Body>): MethodDecorator {
  return bind({
    inbox: options.inbox,
    options: options as unknown as InboxOptions<MessageBody>,
    untraced: options.stage === undefined,
  });
}

/**
 * Declares a handler of the events of all generations: `receive(event, context) -> outgoing messages`. A handler that reads
 * traces is `untraced`, because its spans would be part of the trace.
 */
export function EventInbox(options: {
  inbox: 'director' | 'cost' | 'canceler' | 'reporter' | 'notifier';
  untraced?: boolean;
}): MethodDecorator {
  return bind(options);
}
