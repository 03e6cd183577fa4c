import { ATTR } from '@clipmesh/tracing';
import { type System, type WindowLimit } from './scenario.js';
import { withCpu } from './cpu.use.js';
import { poolsOf, startsOf } from './pools.js';
import { indexSpans, numberOf, type SpanIndex } from './span.index.js';
import { type Task } from './task.model.js';
import { tasksOf } from './task.graph.js';
import { type Trace } from '../parse/trace.model.js';
import { type Unit, unitsOf } from './work.js';

/** The model that all figures are computed from. */
export interface Model extends System {
  readonly index: SpanIndex;
  readonly units: readonly Unit[];
}

/** The stage whose scenes the director's window limits. */
const WINDOWED_STAGE = 'clip';

const models = new WeakMap<Trace, Model>();

/** Builds the model of a trace once. The trace must not change afterwards. */
export function modelOf(trace: Trace): Model {
  const known = models.get(trace);
  if (known !== undefined) return known;
  const model = buildModel(trace);
  models.set(trace, model);
  return model;
}

function buildModel(trace: Trace): Model {
  const index = indexSpans(trace);
  const { tasks, hosts } = withCpu(index, tasksOf(index));
  const pools = poolsOf(tasks, index.clockStepUs);
  return {
    index,
    units: unitsOf(index),
    tasks,
    pools,
    hosts,
    starts: startsOf(tasks, pools, index.clockStepUs),
    window: windowOf(trace, tasks),
  };
}

/** The window from the director's spans. Default: the number of scenes sent before the first delayed one. */
function windowOf(trace: Trace, tasks: readonly Task[]): WindowLimit | undefined {
  let declared = 0;
  for (const span of trace.spans) declared = Math.max(declared, numberOf(span, ATTR.window) ?? 0);
  const isHeld = (task: Task): boolean => task.edges.some(({ kind }) => kind === 'window');
  const held = tasks.find(isHeld);
  const pool =
    held?.pool ?? (declared > 0 && tasks.some((task) => task.pool === WINDOWED_STAGE) ? WINDOWED_STAGE : undefined);
  if (pool === undefined) return undefined;
  const free = tasks.filter(
    (task) => task.pool === pool && !isHeld(task) && !task.edges.some(({ kind }) => kind === 'retry'),
  );
  return { pool, size: declared > 0 ? declared : Math.max(1, free.length) };
}
