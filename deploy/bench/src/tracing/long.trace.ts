/** Spans per scene of {@link longTrace}. */
const SPANS_OF_A_SCENE = 10;
/** Scenes in flight at once. */
const SLOTS = 8;
const CLIP_US = 4_000_000;
const OVERLAY_US = 700_000;
const ORIGIN_US = 1_795_000_000_000_000n;

type Attributes = Readonly<Record<string, string | number | boolean>>;

/**
 * OTLP JSON of one trace with about `count` spans, like that of a generation with very many scenes: each scene is
 * dispatched by the director, bought, published and overlaid.
 */
export function longTrace(count: number): object {
  const spans: object[] = [];
  const hex = (digits: number, value: number): string => value.toString(16).padStart(digits, '0');
  const add = (
    name: string,
    kind: number,
    [startUs, endUs]: readonly [number, number],
    parentId: string,
    attributes: Attributes = {},
  ): string => {
    const spanId = hex(16, spans.length + 1);
    spans.push({
      traceId: hex(32, 1),
      spanId,
      ...(parentId === '' ? {} : { parentSpanId: parentId }),
      name,
      kind,
      startTimeUnixNano: String((ORIGIN_US + BigInt(startUs)) * 1000n),
      endTimeUnixNano: String((ORIGIN_US + BigInt(endUs)) * 1000n),
      attributes: Object.entries(attributes).map(([key, value]) => ({
        key,
        value: typeof value === 'string' ? { stringValue: value } : { intValue: String(value) },
      })),
    });
    return spanId;
  };
  const director = add('process plan.written', 5, [0, 20_000], '', { 'messaging.consumer.group.name': 'director' });
  for (let scene = 0; spans.length + SPANS_OF_A_SCENE <= count; scene += 1) {
    const atUs = 10_000 + Math.floor(scene / SLOTS) * CLIP_US + (scene % SLOTS) * 500;
    const worker = { 'clipmesh.scene.index': scene, 'clipmesh.pool.size': SLOTS, 'clipmesh.worker.id': 'w.1' };
    const clip = { ...worker, 'clipmesh.stage': 'clip', 'messaging.consumer.group.name': 'clip-generator' };
    const overlay = { ...worker, 'clipmesh.stage': 'overlay', 'messaging.consumer.group.name': 'overlay' };
    const doneUs = atUs + CLIP_US - 100_000;
    const sent = add('publish clip.generate', 4, [atUs - 200, atUs], director);
    const made = add('process clip.generate', 5, [atUs, doneUs], sent, clip);
    add('provider queue', 1, [atUs + 1000, atUs + 90_000], made, { 'clipmesh.wait.class': 'provider_queue' });
    add('provider run', 1, [atUs + 90_000, doneUs - 60_000], made, { 'clipmesh.stage': 'clip' });
    add('download', 3, [doneUs - 50_000, doneUs - 2000], made);
    const published = add('publish clip.generated', 4, [doneUs - 1000, doneUs], made);
    const turn = add('process clip.generated', 5, [doneUs + 500, doneUs + 2500], published, {
      'clipmesh.scene.index': scene,
      'messaging.consumer.group.name': 'director',
    });
    const apply = add('publish overlay.apply', 4, [doneUs + 1500, doneUs + 2000], turn);
    const drawn = add('process overlay.apply', 5, [doneUs + 2500, doneUs + 2500 + OVERLAY_US], apply, overlay);
    add('ffmpeg overlay', 1, [doneUs + 3000, doneUs + 2000 + OVERLAY_US], drawn, { 'clipmesh.stage': 'overlay' });
  }
  return {
    resourceSpans: [
      {
        resource: { attributes: [{ key: 'service.name', value: { stringValue: 'bench' } }] },
        scopeSpans: [{ spans }],
      },
    ],
  };
}
