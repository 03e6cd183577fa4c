import { Heap } from './heap.js';
import { type Pool } from '../model/pools.js';
import { slotsByHost } from '../model/scenario.js';
import { type Task } from '../model/task.model.js';

interface Lane {
  readonly queue: Heap<number>;
  /** Free slots by host. */
  readonly free: Map<string, number>;
}

/** The slots of all pools by host, and the queues of waiting tasks. */
export class SlotLanes {
  private readonly lanes: ReadonlyMap<string, Lane>;
  private readonly taken = new Map<number, string>();

  constructor(
    pools: ReadonlyMap<string, Pool>,
    slotsOf: (pool: Pool) => number,
    compare: (a: number, b: number) => number,
  ) {
    this.lanes = new Map(
      [...pools.values()].map((pool) => [
        pool.name,
        { queue: new Heap<number>(compare), free: slotsByHost(pool, slotsOf(pool)) },
      ]),
    );
  }

  /** Takes a slot for the task, preferably on its own host. Otherwise queues the task and returns false. */
  take(at: number, task: Task | undefined): boolean {
    const lane = this.lanes.get(task?.pool ?? '');
    if (lane === undefined) return true;
    const host = lane.queue.size > 0 ? undefined : freest(lane.free, task?.host ?? '');
    if (host === undefined) {
      lane.queue.push(at);
      return false;
    }
    lane.free.set(host, (lane.free.get(host) ?? 0) - 1);
    this.taken.set(at, host);
    return true;
  }

  /** Frees the task's slot. Returns the next waiting task, which gets the slot; undefined when none waits. */
  give(at: number, task: Task | undefined): number | undefined {
    const lane = this.lanes.get(task?.pool ?? '');
    const host = this.taken.get(at);
    if (lane === undefined || host === undefined) return undefined;
    this.taken.delete(at);
    const waiter = lane.queue.pop();
    if (waiter === undefined) lane.free.set(host, (lane.free.get(host) ?? 0) + 1);
    else this.taken.set(waiter, host);
    return waiter;
  }

  /** The host on which a step computes: the host of the task's slot if known, else the measured one. */
  hostOf(at: number, measured: string, task: Task | undefined): string {
    const host = this.taken.get(at) ?? '';
    return host === '' || task?.host !== measured ? measured : host;
  }
}

/** The host for a slot: `own` if it has a free one, else the host with the most; undefined when none is free. */
function freest(free: ReadonlyMap<string, number>, own: string): string | undefined {
  if ((free.get(own) ?? 0) > 0) return own;
  let best: string | undefined;
  for (const [host, slots] of free) if (slots > (best === undefined ? 0 : (free.get(best) ?? 0))) best = host;
  return best;
}
