import { ATTR, ERROR_TYPE } from '@clipmesh/tracing';
import { type Span, type SpanKind, type Trace } from '../src/index.js';

export interface SceneSpec {
  readonly clipUs: number;
  readonly overlayUs: number;
  readonly limitUs?: number;
  readonly providerQueueUs?: number;
  readonly pollUs?: number;
  /** Tries of the clip that fail, each after `workUs`, and come back after `pauseUs`. */
  readonly failures?: readonly { readonly workUs: number; readonly pauseUs: number; readonly code?: string }[];
}
export interface PipelineSpec {
  readonly scenes: readonly SceneSpec[];
  readonly llmUs?: number;
  readonly clipSlots?: number;
  readonly overlaySlots?: number;
  readonly window?: number;
  readonly stitchUs?: number;
  readonly hopUs?: number;
}

/** Short: a link names a whole turn, of which the follower needed only a part. */
const DECIDE_US = 30;
type Attributes = Record<string, string | number | boolean>;

/** First come, first served. */
class Slots {
  private readonly queue: ((startUs: number) => void)[] = [];
  constructor(private free: number) {}
  take(nowUs: number, begin: (startUs: number) => void): void {
    if (this.free > 0) {
      this.free -= 1;
      begin(nowUs);
    } else this.queue.push(begin);
  }
  give(nowUs: number): void {
    const next = this.queue.shift();
    if (next === undefined) this.free += 1;
    else next(nowUs);
  }
}

/** A small simulation of the services, which writes the spans that they would: what the analysis is held against. */
export function pipelineTrace(spec: PipelineSpec): Trace {
  const {
    scenes,
    llmUs = 5000,
    clipSlots = 4,
    overlaySlots = 2,
    window = scenes.length,
    stitchUs = 5000,
    hopUs = 0,
  } = spec;
  const spans: Span[] = [];
  const events: { atUs: number; order: number; run: (nowUs: number) => void }[] = [];
  let order = 0;
  const at = (atUs: number, run: (nowUs: number) => void): void => {
    events.push({ atUs, order: (order += 1), run });
  };
  const add = (
    name: string,
    kind: SpanKind,
    service: string,
    [startUs, endUs]: readonly [number, number],
    parentId?: string,
    attributes: Attributes = {},
    links: readonly string[] = [],
  ): string => {
    const id = `s${spans.length}`;
    spans.push({ id, parentId, links, service, name, kind, startUs, endUs, attributes });
    return id;
  };
  const turn = (
    message: string,
    service: string,
    times: readonly [number, number],
    sender: string,
    attributes: Attributes,
  ): string =>
    add(`process ${message}`, 'consumer', service, times, sender, {
      'messaging.consumer.group.name': service,
      [ATTR.workerId]: `${service}.1`,
      [ATTR.settlement]: 'ack',
      ...attributes,
    });
  const publish = (
    message: string,
    service: string,
    endUs: number,
    parent: string,
    links?: readonly string[],
  ): string => add(`publish ${message}`, 'producer', service, [endUs - 1, endUs], parent, {}, links);
  const clipPool = new Slots(clipSlots);
  const overlayPool = new Slots(overlaySlots);
  let nextScene = 0;
  const decided: string[] = [];

  const direct = (event: string, sender: string, nowUs: number, more: Attributes = {}): string =>
    turn(event, 'planner', [nowUs, nowUs + DECIDE_US], sender, { [ATTR.poolSize]: 16, [ATTR.window]: window, ...more });
  const sendClip = (director: string, nowUs: number): void => {
    const scene = nextScene;
    if (scene >= scenes.length) return;
    nextScene += 1;
    const sentUs = nowUs + 2 + 2 * scene;
    const sender = publish('clip.generate', 'planner', sentUs, director);
    at(sentUs + hopUs, (us) => {
      tryClip(scene, 0, sender, us);
    });
  };
  const tryClip = (scene: number, tried: number, sender: string, nowUs: number): void => {
    clipPool.take(nowUs, (startUs) => {
      const { clipUs, limitUs = 0, providerQueueUs = 0, pollUs = 0, failures = [] } = scenes[scene] as SceneSpec;
      const failure = failures[tried];
      const common = { [ATTR.stage]: 'clip', [ATTR.scene]: scene, [ATTR.step]: 1, [ATTR.poolSize]: clipSlots };
      if (failure !== undefined) {
        const endUs = startUs + failure.workUs;
        turn('clip.generate', 'clip-generator', [startUs, endUs], sender, {
          ...common,
          [ATTR.settlement]: 'nak',
          [ERROR_TYPE]: failure.code ?? 'PREDICTION_FAILED',
        });
        at(endUs, (us) => {
          clipPool.give(us);
        });
        at(endUs + failure.pauseUs, (us) => {
          tryClip(scene, tried + 1, sender, us);
        });
        return;
      }
      const marks = [limitUs, providerQueueUs, clipUs, pollUs].reduce<number[]>(
        (sums, us) => [...sums, (sums.at(-1) ?? 0) + us],
        [startUs],
      );
      const [m0 = 0, m1 = 0, m2 = 0, m3 = 0, m4 = 0] = marks;
      const endUs = m4 + 10;
      const id = turn('clip.generate', 'clip-generator', [startUs, endUs], sender, common);
      const part = (name: string, times: readonly [number, number], attributes: Attributes): void => {
        if (times[1] > times[0]) add(name, 'internal', 'clip-generator', times, id, attributes);
      };
      part('rate limit', [m0, m1], { [ATTR.waitClass]: 'rate_limit' });
      part('provider queue', [m1, m2], { [ATTR.waitClass]: 'provider_queue' });
      part('provider run', [m2, m3], { [ATTR.stage]: 'clip' });
      part('poll lag', [m3, m4], { [ATTR.waitClass]: 'poll_lag' });
      const done = publish('clip.generated', 'clip-generator', endUs, id);
      at(endUs, (us) => {
        clipPool.give(us);
      });
      at(endUs + hopUs, (us) => {
        const director = direct('clip.generated', done, us, { [ATTR.scene]: scene });
        const apply = publish('overlay.apply', 'planner', us + 1, director);
        sendClip(director, us);
        at(us + 1 + hopUs, (arrivedUs) => {
          overlay(scene, apply, arrivedUs);
        });
      });
    });
  };
  const overlay = (scene: number, sender: string, nowUs: number): void => {
    overlayPool.take(nowUs, (startUs) => {
      const endUs = startUs + (scenes[scene]?.overlayUs ?? 0);
      const attributes = { [ATTR.stage]: 'overlay', [ATTR.scene]: scene, [ATTR.poolSize]: overlaySlots };
      const id = turn('overlay.apply', 'overlay', [startUs, endUs], sender, attributes);
      const done = publish('overlay.applied', 'overlay', endUs, id);
      at(endUs, (us) => {
        overlayPool.give(us);
      });
      at(endUs + hopUs, (us) => {
        const director = direct('overlay.applied', done, us, { [ATTR.scene]: scene });
        decided.push(director);
        if (decided.length === scenes.length) stitch(director, us);
      });
    });
  };
  const stitch = (director: string, nowUs: number): void => {
    const sender = publish('stitch.render', 'planner', nowUs + 2, director, decided.slice(0, -1));
    const startUs = nowUs + 2 + hopUs;
    const endUs = startUs + stitchUs;
    const id = turn('stitch.render', 'stitcher', [startUs, endUs], sender, {
      [ATTR.stage]: 'stitch',
      [ATTR.poolSize]: 1,
    });
    const done = publish('video.stitched', 'stitcher', endUs, id);
    direct('video.stitched', done, endUs + hopUs, { [ATTR.final]: true });
  };

  const post = add('POST', 'server', 'gateway', [0, 1000]);
  const asked = publish('generation.plan', 'gateway', 900, post);
  const planned: readonly [number, number] = [900 + hopUs, 900 + hopUs + llmUs + 200];
  const plan = turn('generation.plan', 'planner', planned, asked, { [ATTR.stage]: 'planning', [ATTR.poolSize]: 4 });
  add('chat', 'client', 'planner', [planned[0] + 100, planned[1] - 100], plan, { [ATTR.stage]: 'llm' });
  const written = publish('plan.written', 'planner', planned[1], plan);
  at(planned[1] + hopUs, (us) => {
    const director = direct('plan.written', written, us);
    for (let scene = 0; scene < Math.min(window, scenes.length); scene += 1) sendClip(director, us);
  });
  for (;;) {
    events.sort((a, b) => a.atUs - b.atUs || a.order - b.order);
    const next = events.shift();
    if (next === undefined) break;
    next.run(next.atUs);
  }
  return { traceId: 'pipeline', spans: [...spans].sort((a, b) => a.startUs - b.startUs || a.endUs - b.endUs) };
}

/** `count` scenes alike. */
export const scenesOf = (count: number, scene: SceneSpec): SceneSpec[] => Array.from({ length: count }, () => scene);
export const makespanOf = (trace: Trace): number => trace.spans.reduce((max, { endUs }) => Math.max(max, endUs), 0);
