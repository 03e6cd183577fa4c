import { INBOXES, type InboxName, type Outgoing } from '@clipmesh/contracts';
import { jetstream } from '@nats-io/jetstream';
import { type NatsConnection } from '@nats-io/transport-node';
import { type CustomTransportStrategy, Server } from '@nestjs/microservices';
import { lastValueFrom } from 'rxjs';
import { type Binding } from './inbox.decorator.js';
import { type InboxSettings, type RunnerDeps } from './inbox.settings.js';
import { InboxRunner } from './inbox.runner.js';
import { provision, type ProvisionOptions } from '../broker/provisioning.js';

export { type InboxSettings } from './inbox.settings.js';

export interface StrategyOptions extends Omit<RunnerDeps, 'js' | 'restore'> {
  readonly connection: NatsConnection;
  /** Options to create a missing inbox with. */
  readonly provisioning: ProvisionOptions;
  /** One entry per inbox that this process serves. */
  readonly settings: Partial<Record<InboxName, InboxSettings>>;
}

/** Nest transport over JetStream inboxes: validates the handlers and starts one {@link InboxRunner} per inbox. */
export class JetStreamStrategy extends Server implements CustomTransportStrategy {
  private readonly runners: InboxRunner[] = [];

  constructor(private readonly options: StrategyOptions) {
    super();
  }

  /** Throws if an inbox has no handler or more than one, or a handler has no settings. */
  listen(callback: (error?: unknown) => void): void {
    try {
      const wanted = new Set(Object.keys(this.options.settings) as InboxName[]);
      for (const [pattern, handler] of this.messageHandlers) {
        const binding = (handler.extras as { binding?: Binding } | undefined)?.binding;
        if (binding === undefined)
          throw new Error(`handler ${pattern} is not an inbox; declare it with @Inbox or @EventInbox`);
        if (handler.next !== undefined) throw new Error(`inbox ${binding.inbox} has two handlers; expected one`);
        const settings = this.options.settings[binding.inbox];
        if (settings === undefined) throw new Error(`inbox ${binding.inbox} has a handler but no settings`);
        wanted.delete(binding.inbox);
        const { connection, provisioning, ...deps } = this.options;
        this.runners.push(
          new InboxRunner(
            { ...deps, js: jetstream(connection), restore: () => provision(connection, provisioning) },
            binding,
            settings,
            async (argument, context) =>
              lastValueFrom(this.transformToObservable((await handler(argument, context)) as readonly Outgoing[])),
          ),
        );
      }
      if (wanted.size > 0) throw new Error(`inbox ${[...wanted].join(', ')} has no handler`);
      for (const runner of this.runners) runner.start();
      callback();
    } catch (error) {
      callback(error);
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.runners.map((runner) => runner.close()));
  }

  on(): never {
    throw new Error('the JetStream transport has no events');
  }

  // Nest declares this signature.
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters
  unwrap<T>(): T {
    return this.options.connection as T;
  }

  /** All inboxes. */
  static readonly inboxes = INBOXES;
}
