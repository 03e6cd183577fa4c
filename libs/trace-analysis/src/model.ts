import { ATTR } from '@clipmesh/tracing';
import { type WindowLimit } from './bounds.js';
import { type Pool, poolsOf, type Start, startsOf } from './pools.js';
import { indexSpans, numberOf, type SpanIndex } from './span.index.js';
import { type Task, tasksOf } from './task.graph.js';
import { type Trace } from './trace.model.js';
import { type Unit, unitsOf } from './work.js';

/** Everything that the figures are taken from. */
export interface Model {
  readonly index: SpanIndex;
  readonly units: readonly Unit[];
  readonly tasks: readonly Task[];
  readonly pools: ReadonlyMap<string, Pool>;
  readonly starts: readonly Start[];
  readonly window: WindowLimit | undefined;
}

/** The stage whose scenes the director's window counts. */
const WINDOWED_STAGE = 'clip';

const models = new WeakMap<Trace, Model>();

/** Made once for a trace, which must not change afterwards. */
export function modelOf(trace: Trace): Model {
  const known = models.get(trace);
  if (known !== undefined) return known;
  const model = buildModel(trace);
  models.set(trace, model);
  return model;
}

function buildModel(trace: Trace): Model {
  const index = indexSpans(trace);
  const tasks = tasksOf(index);
  const pools = poolsOf(tasks, index.clockStepUs);
  return {
    index,
    units: unitsOf(index),
    tasks,
    pools,
    starts: startsOf(tasks, pools, index.clockStepUs),
    window: windowOf(trace, tasks),
  };
}

/** The window: as the director's spans say; where they do not, as many as it sent out before it held any back. */
function windowOf(trace: Trace, tasks: readonly Task[]): WindowLimit | undefined {
  let told = 0;
  for (const span of trace.spans) told = Math.max(told, numberOf(span, ATTR.window) ?? 0);
  const isHeld = (task: Task): boolean => task.edges.some(({ kind }) => kind === 'window');
  const held = tasks.find(isHeld);
  const pool =
    held?.pool ?? (told > 0 && tasks.some((task) => task.pool === WINDOWED_STAGE) ? WINDOWED_STAGE : undefined);
  if (pool === undefined) return undefined;
  const free = tasks.filter(
    (task) => task.pool === pool && !isHeld(task) && !task.edges.some(({ kind }) => kind === 'retry'),
  );
  return { pool, size: told > 0 ? told : Math.max(1, free.length) };
}
