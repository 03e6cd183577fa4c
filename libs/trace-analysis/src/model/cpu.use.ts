import { ATTR } from '@clipmesh/tracing';
import { type CpuLoad, demandsOf, leftOf } from './cpu.demand.js';
import { numberOf, type SpanIndex, textOf } from './span.index.js';
import { type Task } from './task.model.js';
import { type Piece } from './timeline.js';
import { type Span } from '../parse/trace.model.js';

/** The cores that processes of a trace share: those of a machine, or of a container with its own CPU limit. */
export interface HostCores {
  readonly id: string;
  /** Cores of the host, thousandths. */
  readonly milliCores: number;
  /** Average cores that other processes left to the trace's processes while these computed, thousandths. */
  readonly leftMilliCores: number;
}

interface HostLoad extends CpuLoad {
  readonly host: string;
}

/** A piece of a task and its average number of busy cores, thousandths. */
interface Measured {
  readonly piece: Piece;
  readonly milliCores: number;
}

/**
 * Finds the hosts, and adds the CPU demand to each computing piece of the tasks. Splits pieces where a process starts or ends. Pieces
 * without a process, and waits, stay unchanged.
 */
export function withCpu(index: SpanIndex, tasks: readonly Task[]): { tasks: Task[]; hosts: Map<string, HostCores> } {
  const cores = coresOf(index);
  const loads = loadsOf(index, tasks, cores);
  const measured = tasks.map((task) => cutAt(task, loads.get(task.span) ?? []));
  const hosts = new Map<string, HostCores>();
  const cpu = new Map<Piece, NonNullable<Piece['cpu']>>();
  const ofHost = new Map<string, { loads: CpuLoad[]; pieces: Measured[] }>();
  const groupOf = (host: string): { loads: CpuLoad[]; pieces: Measured[] } => {
    const group = ofHost.get(host) ?? { loads: [], pieces: [] };
    ofHost.set(host, group);
    return group;
  };
  for (const list of loads.values()) for (const load of list) groupOf(load.host).loads.push(load);
  tasks.forEach(({ span }, at) => {
    const host = loads.get(span)?.[0]?.host;
    if (host === undefined) return;
    for (const one of measured[at] ?? []) if (one.milliCores > 0) groupOf(host).pieces.push(one);
  });
  for (const [id, group] of ofHost) {
    const milliCores = cores.get(id) ?? 0;
    const leftMilliCores = leftOf(group.loads, milliCores);
    hosts.set(id, { id, milliCores, leftMilliCores });
    const demands = demandsOf(
      group.pieces.map(({ piece, milliCores: used }) => ({ ...piece, milliCores: used })),
      { milliCores, leftMilliCores },
    );
    group.pieces.forEach(({ piece }, at) => {
      const demand = demands[at];
      if (demand !== undefined) cpu.set(piece, { host: id, ...demand });
    });
  }
  const hostOfWorker = new Map<string, string>();
  for (const { span } of tasks) {
    const host = loads.get(span)?.[0]?.host;
    const worker = textOf(span, ATTR.workerId);
    if (host !== undefined && worker !== undefined) hostOfWorker.set(worker, host);
  }
  return {
    hosts,
    tasks: tasks.map((task, at) => {
      const host = loads.get(task.span)?.[0]?.host ?? hostOfWorker.get(textOf(task.span, ATTR.workerId) ?? '');
      const pieces = (measured[at] ?? []).map(({ piece }) => {
        const use = cpu.get(piece);
        return use === undefined ? piece : { ...piece, cpu: use };
      });
      return { ...task, pieces, ...(host === undefined ? {} : { host }) };
    }),
  };
}

/** Cores of each host, thousandths: the maximum over its spans. */
function coresOf({ trace }: SpanIndex): Map<string, number> {
  const cores = new Map<string, number>();
  for (const span of trace.spans) {
    const host = textOf(span, ATTR.hostId);
    const own = Math.round((numberOf(span, ATTR.hostCores) ?? 0) * 1000);
    if (host !== undefined && own > 0) cores.set(host, Math.max(cores.get(host) ?? 0, own));
  }
  return cores;
}

/** The processes of each task, by the task's span. Ignores processes on another host than the task's first one. */
function loadsOf(
  index: SpanIndex,
  tasks: readonly Task[],
  cores: ReadonlyMap<string, number>,
): Map<Span, readonly HostLoad[]> {
  const taskSpans = new Set(tasks.map(({ span }) => span));
  const roots = new Map<Span, Span>();
  for (const span of index.topDown) {
    const parent = index.parentOf(span);
    const root = taskSpans.has(span) || parent === undefined ? span : roots.get(parent);
    if (root !== undefined) roots.set(span, root);
  }
  const loads = new Map<Span, HostLoad[]>();
  for (const span of index.trace.spans) {
    const host = textOf(span, ATTR.hostId) ?? '';
    const milliCores = cores.get(host);
    const cpuMs = numberOf(span, ATTR.cpuMs) ?? 0;
    const { startUs, endUs } = span;
    if (milliCores === undefined || cpuMs <= 0 || endUs <= startUs) continue;
    const root = roots.get(span) ?? span;
    const before = numberOf(span, ATTR.hostIdleBeforeMs);
    const after = numberOf(span, ATTR.hostIdleAfterMs);
    const list = loads.get(root) ?? [];
    if (list[0] !== undefined && list[0].host !== host) continue;
    list.push({
      host,
      startUs,
      endUs,
      milliCores: Math.min(milliCores, Math.max(1, coresFor(cpuMs, endUs - startUs))),
      ...(before === undefined || after === undefined ? {} : { idleMs: [before, after] as const }),
    });
    loads.set(root, list);
  }
  return loads;
}

/** CPU time over a duration, thousandths of a core. */
const coresFor = (cpuMs: number, lengthUs: number): number => Math.round((cpuMs * 1_000_000) / lengthUs);

/** The task's pieces, split where one of its processes starts or ends. */
function cutAt({ pieces }: Task, loads: readonly CpuLoad[]): Measured[] {
  const edges = loads
    .flatMap(({ startUs, endUs, milliCores }) => [[startUs, milliCores] as const, [endUs, -milliCores] as const])
    .sort((a, b) => a[0] - b[0]);
  const cut: Measured[] = [];
  let next = 0;
  let busy = 0;
  for (const piece of pieces) {
    let fromUs = piece.startUs;
    const push = (untilUs: number): void => {
      if (untilUs > fromUs) {
        const whole = fromUs === piece.startUs && untilUs === piece.endUs;
        const part = whole ? piece : { ...piece, startUs: fromUs, endUs: untilUs };
        cut.push({ piece: part, milliCores: piece.waitClass === undefined ? busy : 0 });
      }
      fromUs = Math.max(fromUs, untilUs);
    };
    for (let edge = edges[next]; edge !== undefined && edge[0] < piece.endUs; edge = edges[next]) {
      push(edge[0]);
      busy += edge[1];
      next += 1;
    }
    push(piece.endUs);
  }
  return cut;
}
