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

/** What a handler is given beside the message. */
export interface HandlerContext {
  /** Aborts on cancel, on timeout and at shutdown. */
  readonly signal: AbortSignal;
  readonly messageId: string;
  /** Faults so far + 1. */
  readonly tries: number;
  /** Whether the message is given up when the handler throws this error now. */
  readonly isLastTry: (error: unknown) => boolean;
  /** W3C trace context of the handling. */
  readonly traceparent: string;
}

/** A command's inbox. */
export interface InboxOptions<Body extends MessageBody> {
  readonly inbox: InboxName;
  readonly message: MessageDefinition<Body>;
  /** Of the generation, whose time this work takes; absent: it belongs to no stage, and leaves no spans. */
  readonly stage?: Stage;
  /** True: it is done for a canceled generation too. */
  readonly runsWhenCanceled?: boolean;
  /** What is told when the message is given up. */
  readonly failed: (body: Body, failure: { error: unknown }) => readonly Outgoing[];
  /** What is told when it will be tried again. */
  readonly retried?: (
    body: Body,
    retry: { error: unknown; messageId: string; fault: number; delayMs: number },
  ) => readonly Outgoing[];
}

/** What the transport reads off a handler. */
export interface Binding {
  readonly inbox: InboxName;
  /** Absent: every event of `EVENTS`. */
  readonly options?: InboxOptions<MessageBody>;
  /** Its turns leave no spans. */
  readonly untraced?: boolean;
}

/** Lets the original error through to the settlement: no other filter may turn it into "Internal server error". */
@Catch()
class PassThroughFilter implements RpcExceptionFilter<unknown> {
  catch(error: unknown, _host: ArgumentsHost): Observable<never> {
    return throwError(() => error);
  }
}

/** The method's arguments are the message and the context; Nest hands on only what is asked for. */
const bind =
  (binding: Binding): MethodDecorator =>
  (target, method, descriptor) => {
    Payload()(target, method, 0);
    Ctx()(target, method, 1);
    // Naming the type picks the overload that is a MethodDecorator.
    // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-arguments
    const inbox: MethodDecorator = EventPattern<string>(`inbox:${binding.inbox}`, { binding });
    applyDecorators(inbox, UseFilters(new PassThroughFilter()))(target, method, descriptor);
  };

/** `receive(body, context) -> outgoing messages` for one command. */
export function Inbox<Body extends MessageBody>(options: InboxOptions<Body>): MethodDecorator {
  return bind({
    inbox: options.inbox,
    options: options as unknown as InboxOptions<MessageBody>,
    untraced: options.stage === undefined,
  });
}

/**
 * `receive(event, context) -> outgoing messages` for the events of every generation. Who reads a trace is `untraced`:
 * its own turns would be part of what it measures.
 */
export function EventInbox(options: {
  inbox: 'director' | 'cost' | 'canceler' | 'reporter' | 'notifier';
  untraced?: boolean;
}): MethodDecorator {
  return bind(options);
}
