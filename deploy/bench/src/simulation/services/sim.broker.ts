import {
  decodeMessage,
  encodeMessage,
  INBOXES,
  type InboxName,
  type InboxSpec,
  type MessageBody,
  type MessageDefinition,
  type Outgoing,
  commandStream,
  EVENTS_STREAM,
  WORK_COMMANDS,
} from '@clipmesh/contracts';
import { type Backlog } from '@clipmesh/messaging';
import { type Process, type World } from '../world.js';

/** A message in an inbox. */
export interface Item {
  readonly id: string;
  readonly definition: MessageDefinition;
  /** Decoded once, when it is stored. Every inbox and delivery shares it. */
  readonly body: MessageBody;
  readonly generationId: string;
  readonly storedAtMs: number;
  deliveries: number;
  notBefore: number;
  holder: { process: Process; aliveAtMs: number } | undefined;
}

export const ACK_WAIT_MS = 15_000;
/** The inboxes of the commands that advance a generation. */
const WORK_INBOXES = (Object.keys(INBOXES) as InboxName[]).filter((name) =>
  WORK_COMMANDS.some((command) => commandStream(command) === INBOXES[name].stream),
);
const DUPLICATE_WINDOW_MS = 10 * 60_000;

/** The parts of JetStream that actors use: durable consumers, redelivery, duplicate windows, dead letters. */
export class SimBroker {
  readonly queues = new Map<InboxName, Item[]>((Object.keys(INBOXES) as InboxName[]).map((name) => [name, []]));
  readonly deadLetters: { item: Item; error: unknown }[] = [];
  readonly canceled = new Set<string>();
  private readonly seen = new Map<string, number>();

  constructor(private readonly world: World) {}

  /** One effect per message, so that a crash can happen between any two. */
  async publish(process: Process, outgoing: readonly Outgoing[]): Promise<void> {
    for (const one of outgoing)
      await this.world.effect(process, () => {
        this.store(one);
      });
  }

  store(outgoing: Outgoing): void {
    const { subject, id, payload } = encodeMessage(outgoing);
    const { definition } = outgoing;
    const key = `${definition.kind}:${id}`;
    const seenMs = this.seen.get(key);
    if (seenMs !== undefined && this.world.now - seenMs < DUPLICATE_WINDOW_MS) return;
    this.seen.set(key, this.world.now);
    const body = decodeMessage(definition, payload);
    const stream = definition.kind === 'command' ? commandStream(definition) : EVENTS_STREAM;
    for (const [name, inbox] of Object.entries<InboxSpec>(INBOXES) as [InboxName, InboxSpec][]) {
      const wanted =
        inbox.filterSubject.endsWith('>') || subject.endsWith(inbox.filterSubject.slice('events.*'.length));
      if (inbox.stream !== stream || !wanted) continue;
      this.queue(name).push({
        id,
        definition,
        body,
        generationId: body.generationId,
        storedAtMs: this.world.now,
        deliveries: 0,
        notBefore: 0,
        holder: undefined,
      });
    }
  }

  queue(name: InboxName): Item[] {
    return this.queues.get(name) ?? [];
  }

  /** Messages that could be delivered now. */
  deliverable(): { inbox: InboxName; item: Item }[] {
    return [...this.queues].flatMap(([inbox, items]) =>
      items.filter((item) => this.isReady(item)).map((item) => ({ inbox, item })),
    );
  }

  private isReady({ holder, notBefore }: Item): boolean {
    if (holder !== undefined) return !holder.process.alive && this.world.now - holder.aliveAtMs >= ACK_WAIT_MS;
    return notBefore <= this.world.now;
  }

  /** Time when the next message becomes deliverable without another effect, ms. */
  nextReadyMs(): number {
    const times = [...this.queues.values()].flat().flatMap(({ holder, notBefore }) => {
      if (holder === undefined) return [notBefore];
      return holder.process.alive ? [] : [holder.aliveAtMs + ACK_WAIT_MS];
    });
    return Math.min(Infinity, ...times);
  }

  take(item: Item, process: Process): MessageBody {
    item.deliveries += 1;
    item.holder = { process, aliveAtMs: this.world.now };
    return item.body;
  }

  /** Ends the heartbeats of a dead process now. */
  orphan(process: Process): void {
    for (const item of [...this.queues.values()].flat())
      if (item.holder?.process === process) item.holder.aliveAtMs = this.world.now;
  }

  remove(inbox: InboxName, item: Item): void {
    const queue = this.queue(inbox);
    const at = queue.indexOf(item);
    if (at >= 0) queue.splice(at, 1);
  }

  backlog(): Backlog {
    const commands = WORK_INBOXES.flatMap((name) => this.queue(name));
    return {
      generations: new Set(commands.map(({ generationId }) => generationId)),
      directorLag: this.queue('director').length,
    };
  }

  isHeard(generationId: string): boolean {
    return !this.queue('director').some((item) => item.generationId === generationId);
  }

  /** Number of messages in all inboxes. */
  get depth(): number {
    return [...this.queues.values()].reduce((sum, queue) => sum + queue.length, 0);
  }
}
