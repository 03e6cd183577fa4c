import { type HostCores } from '../model/cpu.use.js';
import { leftIn, type Scenario } from '../model/scenario.js';
import { SharedCores } from './shared.cores.js';

interface Host {
  readonly cores: SharedCores;
  readonly index: number;
  /** Time of the pending `wake`. */
  dueUs: number | undefined;
}

/** The shared cores of all hosts, with the time of the next event of each. */
export class HostShares {
  private readonly byId: ReadonlyMap<string, Host>;
  private readonly list: readonly Host[];

  /** @param wake Requests a call of `leave` for this host at this time. */
  constructor(
    hosts: ReadonlyMap<string, HostCores>,
    scenario: Scenario,
    private readonly wake: (host: number, atUs: number) => void,
  ) {
    this.byId = new Map(
      [...hosts.values()].map((host, index) => [
        host.id,
        { cores: new SharedCores(leftIn(host, scenario)), index, dueUs: undefined },
      ]),
    );
    this.list = [...this.byId.values()];
  }

  /** A task starts to compute. Throws `RangeError` for a host that is not in the trace. */
  enter(id: string, nowUs: number, task: number, milliCores: number, freeUs: number): void {
    const host = this.byId.get(id);
    if (host === undefined) throw new RangeError(`no host ${id} in this trace`);
    host.cores.enter(nowUs, task, milliCores, freeUs);
    this.schedule(host);
  }

  /** Removes and returns the tasks that have finished computing; none when the call is outdated. */
  leave(index: number, nowUs: number): number[] {
    const host = this.list[index];
    if (host?.dueUs !== nowUs) return [];
    host.dueUs = undefined;
    const done = host.cores.leave(nowUs);
    this.schedule(host);
    return done;
  }

  private schedule(host: Host): void {
    const nextUs = host.cores.nextUs();
    if (nextUs === host.dueUs) return;
    host.dueUs = nextUs;
    if (nextUs !== undefined) this.wake(host.index, nextUs);
  }
}
