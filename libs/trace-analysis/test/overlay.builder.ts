import { ATTR } from '@clipmesh/tracing';
import { type Span, type SpanKind, type Trace } from '../src/index.js';

export interface OverlaySpec {
  /** The overlays: when each clip is there, how long its ffmpeg takes when nothing slows it, and how many cores it asks for. */
  readonly scenes: readonly { readonly clipUs: number; readonly freeUs: number; readonly milliCores?: number }[];
  readonly slots: number;
  readonly milliCores: number;
  /** Hosts with so many cores each; slots and tasks take turns on them. */
  readonly hosts?: number;
  /** What other programs use of each host, thousandths. */
  readonly othersMilliCores?: number;
}
interface Running {
  readonly scene: number;
  readonly host: number;
  readonly slot: number;
  readonly startUs: number;
  readonly idleBefore: number;
  leftUs: number;
}

const PLAN_US = 1000;
const STITCH_US = 5000;
const AROUND_US = 10;

/**
 * A small simulation of clips that are made at a provider, and of overlays that share the cores of their hosts in
 * proportion to what they ask for; and the spans that the services would write. It takes square time and real numbers.
 */
export function overlayTrace(spec: OverlaySpec): Trace {
  const { scenes, slots, milliCores, hosts = 1, othersMilliCores = 0 } = spec;
  const spans: Span[] = [];
  const add = (
    id: string,
    kind: SpanKind,
    service: string,
    [startUs, endUs]: readonly [number, number],
    parentId?: string,
    attributes: Span['attributes'] = {},
    links: readonly string[] = [],
  ): void => {
    const times = { startUs: Math.round(startUs), endUs: Math.round(endUs) };
    spans.push({ id, parentId, links, service, name: id.replace(/ \d+$/, ''), kind, ...times, attributes });
  };
  add('plan', 'consumer', 'planner', [0, PLAN_US], undefined, { [ATTR.stage]: 'planning', [ATTR.poolSize]: 1 });
  scenes.forEach(({ clipUs }, scene) => {
    const endUs = PLAN_US + clipUs;
    add(`send ${scene}`, 'producer', 'planner', [PLAN_US - 1, PLAN_US], 'plan');
    const attributes = { [ATTR.stage]: 'clip', [ATTR.scene]: scene, [ATTR.poolSize]: scenes.length };
    add(`clip ${scene}`, 'consumer', 'clip-generator', [PLAN_US, endUs], `send ${scene}`, attributes);
    add(`made ${scene}`, 'producer', 'clip-generator', [endUs - 1, endUs], `clip ${scene}`);
  });
  const ready = scenes
    .map(({ clipUs }, scene) => ({ scene, atUs: PLAN_US + clipUs }))
    .sort((a, b) => a.atUs - b.atUs || a.scene - b.scene);
  const running: Running[] = [];
  const free = Array.from({ length: hosts }, (_, host) =>
    Array.from({ length: Math.floor((slots + hosts - 1 - host) / hosts) }, (__, slot) => slot),
  );
  const idle = new Array<number>(hosts).fill(0);
  const forOthers = milliCores - othersMilliCores;
  const ended: { scene: number; endUs: number }[] = [];
  const rateOf = (host: number): number => {
    const asked = running
      .filter((one) => one.host === host)
      .reduce((sum, { scene }) => sum + (scenes[scene]?.milliCores ?? 1000), 0);
    return Math.min(1, forOthers / Math.max(1, asked));
  };
  for (let nowUs = 0; ended.length < scenes.length;) {
    for (let next = ready[0]; next !== undefined && next.atUs <= nowUs + 1e-6; next = ready[0]) {
      const most = Math.max(...free.map(({ length }) => length));
      const host = free.findIndex(({ length }) => length === most);
      const slot = free[host]?.shift();
      if (slot === undefined) break;
      ready.shift();
      const leftUs = scenes[next.scene]?.freeUs ?? 0;
      running.push({ scene: next.scene, host, slot, startUs: nowUs, idleBefore: idle[host] ?? 0, leftUs });
    }
    const arrivalUs = ready[0] !== undefined && ready[0].atUs > nowUs ? ready[0].atUs : Infinity;
    const untilUs = running.reduce((min, one) => Math.min(min, nowUs + one.leftUs / rateOf(one.host)), arrivalUs);
    idle.forEach((_, host) => {
      const own = running.filter((one) => one.host === host);
      const asked = own.reduce((sum, { scene }) => sum + (scenes[scene]?.milliCores ?? 1000), 0);
      const used = Math.min(asked, forOthers);
      idle[host] = (idle[host] ?? 0) + ((forOthers - used) * (untilUs - nowUs)) / 1e6;
    });
    const rates = free.map((_, host) => rateOf(host));
    for (const one of running) one.leftUs -= (untilUs - nowUs) * (rates[one.host] ?? 1);
    nowUs = untilUs;
    for (const one of running.filter(({ leftUs }) => leftUs < 1e-6)) {
      running.splice(running.indexOf(one), 1);
      free[one.host]?.push(one.slot);
      ended.push({ scene: one.scene, endUs: nowUs });
      const { freeUs = 0, milliCores: asked = 1000 } = scenes[one.scene] ?? {};
      const id = `overlay ${one.scene}`;
      add(id, 'consumer', 'overlay', [one.startUs, nowUs], `made ${one.scene}`, {
        [ATTR.stage]: 'overlay',
        [ATTR.scene]: one.scene,
        [ATTR.poolSize]: 1,
        [ATTR.workerId]: `overlay.${one.host}.${one.slot}`,
      });
      add(`ffmpeg ${one.scene}`, 'internal', 'overlay', [one.startUs, nowUs], id, {
        [ATTR.stage]: 'overlay',
        [ATTR.cpuMs]: (freeUs * asked) / 1e6,
        [ATTR.hostId]: `host${one.host}`,
        [ATTR.hostCores]: milliCores / 1000,
        [ATTR.hostIdleBeforeMs]: one.idleBefore,
        [ATTR.hostIdleAfterMs]: idle[one.host] ?? 0,
      });
      add(`done ${one.scene}`, 'producer', 'overlay', [nowUs - 1, nowUs], id);
    }
  }
  const last = ended.at(-1) ?? { scene: 0, endUs: PLAN_US };
  const links = ended.slice(0, -1).map(({ scene }) => `overlay ${scene}`);
  const stitched: readonly [number, number] = [last.endUs + AROUND_US, last.endUs + AROUND_US + STITCH_US];
  add(
    'stitch',
    'consumer',
    'stitcher',
    stitched,
    `done ${last.scene}`,
    { [ATTR.stage]: 'stitch', [ATTR.poolSize]: 1 },
    links,
  );
  return { traceId: 'overlays', spans: [...spans].sort((a, b) => a.startUs - b.startUs || b.endUs - a.endUs) };
}
