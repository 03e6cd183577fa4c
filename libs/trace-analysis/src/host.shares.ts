import { type HostCores } from './cpu.use.js';
import { leftIn, type Scenario } from './scenario.js';
import { SharedCores } from './shared.cores.js';

interface Host {
  readonly cores: SharedCores;
  readonly index: number;
  /** When `wake` has been asked for last. */
  dueUs: number | undefined;
}

/** The cores of all hosts, and when each is to be looked at next. */
export class HostShares {
  private readonly byId: ReadonlyMap<string, Host>;
  private readonly list: readonly Host[];

  /** @param wake Asks for a call of `leave` with this host at this time. */
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

  /** A task begins to compute on a host that the trace knows. */
  enter(id: string, nowUs: number, task: number, milliCores: number, freeUs: number): void {
    const host = this.byId.get(id);
    if (host === undefined) throw new RangeError(`no host ${id} in this trace`);
    host.cores.enter(nowUs, task, milliCores, freeUs);
    this.schedule(host);
  }

  /** The tasks that have computed enough by now; none where the call is out of date. */
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
