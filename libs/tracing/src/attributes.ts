interface Attribute {
  readonly key: string;
  readonly type: 'string' | 'number' | 'boolean';
  /** Which spans have it. */
  readonly on: string;
  readonly meaning: string;
}

/** Every attribute key of ours, as docs/traces.md shows them. */
export const ATTRIBUTES = {
  generationId: {
    key: 'clipmesh.generation.id',
    type: 'string',
    on: 'POST, publish, process',
    meaning: 'The generation that the span belongs to.',
  },
  stage: {
    key: 'clipmesh.stage',
    type: 'string',
    on: 'process of a command, chat, provider run, ffmpeg',
    meaning:
      "`llm`, `planning`, `clip`, `overlay`, `stitch`, `audio` or `export`: whose work the span's self time is. Children without one have their parent's.",
  },
  scene: {
    key: 'clipmesh.scene.index',
    type: 'number',
    on: 'process, predict',
    meaning: 'The scene, from 0.',
  },
  attempt: {
    key: 'clipmesh.attempt',
    type: 'number',
    on: 'process',
    meaning: 'Which command for this step it is: 1, 2, …',
  },
  workerId: {
    key: 'clipmesh.worker.id',
    type: 'string',
    on: 'process',
    meaning: 'The replica that did it, as in `service.instance.id`: `clip-generator.2`.',
  },
  poolSize: {
    key: 'clipmesh.pool.size',
    type: 'number',
    on: 'process',
    meaning: 'How many messages of this kind one replica handles at once.',
  },
  enqueuedAtMs: {
    key: 'clipmesh.queue.enqueued_at_ms',
    type: 'number',
    on: 'process',
    meaning: 'When the broker stored the message: ms since the epoch, from the stream.',
  },
  queueWaitMs: {
    key: 'clipmesh.queue.wait_ms',
    type: 'number',
    on: 'process',
    meaning: "From then to the handler's start, ms. Of a repeated delivery the tries before it are in it.",
  },
  waitClass: {
    key: 'clipmesh.wait.class',
    type: 'string',
    on: 'await admission, provider queue, poll lag',
    meaning:
      'The span is a wait and no work, and this is for what: `queue`, `provider_queue`, `rate_limit`, `poll_lag`, `dispatch`, `external` or `retry`.',
  },
  settlement: {
    key: 'clipmesh.settlement',
    type: 'string',
    on: 'process',
    meaning: 'How the message was settled: `ack`, `nak` (it comes again) or `term` (given up).',
  },
  costMicros: {
    key: 'clipmesh.cost.micros',
    type: 'number',
    on: 'predict',
    meaning: 'What it cost, millionths of a dollar.',
  },
  model: {
    key: 'clipmesh.model',
    type: 'string',
    on: 'predict, await admission, replicate create',
    meaning: 'The video model.',
  },
  predictionId: {
    key: 'clipmesh.prediction.id',
    type: 'string',
    on: 'predict, provider queue, provider run, poll lag',
    meaning: "The provider's id of the prediction.",
  },
  cached: {
    key: 'clipmesh.cached',
    type: 'boolean',
    on: 'process clip.generate',
    meaning: 'True where a clip of the cache was used and nothing was bought.',
  },
  window: {
    key: 'clipmesh.window',
    type: 'number',
    on: 'process, of the director',
    meaning: 'How many scenes of this generation may be in flight at once.',
  },
  final: {
    key: 'clipmesh.final',
    type: 'boolean',
    on: 'process, of the director',
    meaning: 'True on the span that brought the generation to its end.',
  },
  cpuMs: {
    key: 'clipmesh.process.cpu_ms',
    type: 'number',
    on: 'ffmpeg',
    meaning: "CPU time of the program, user and system, ms. More than the span's length where it used several cores.",
  },
  hostId: {
    key: 'clipmesh.host.id',
    type: 'string',
    on: 'ffmpeg',
    meaning: 'The host whose cores the program shared: a machine, or a container with a CPU limit of its own.',
  },
  hostCores: {
    key: 'clipmesh.host.cores',
    type: 'number',
    on: 'ffmpeg',
    meaning: 'Cores of that host: the CPU limit of its control group, else the cores that the process may run on.',
  },
  hostIdleBeforeMs: {
    key: 'clipmesh.host.idle_before_ms',
    type: 'number',
    on: 'ffmpeg',
    meaning: 'CPU time that the cores of the machine had been idle since its start, when the program started, ms.',
  },
  hostIdleAfterMs: {
    key: 'clipmesh.host.idle_after_ms',
    type: 'number',
    on: 'ffmpeg',
    meaning: 'The same when the program had ended: what other programs left unused meanwhile is the difference.',
  },
} as const satisfies Readonly<Record<string, Attribute>>;

/** The keys of {@link ATTRIBUTES}. */
export const ATTR = Object.fromEntries(Object.entries(ATTRIBUTES).map(([name, { key }]) => [name, key])) as {
  readonly [Name in keyof typeof ATTRIBUTES]: (typeof ATTRIBUTES)[Name]['key'];
};

/** Keys of the OpenTelemetry semantic conventions that our spans have; those of HTTP are set by its instrumentation. */
export const CONVENTIONS: readonly Attribute[] = [
  {
    key: 'error.type',
    type: 'string',
    on: 'whatever failed',
    meaning: 'The code of the failure, or the class of the error.',
  },
  { key: 'messaging.system', type: 'string', on: 'publish, process', meaning: '`nats`.' },
  { key: 'messaging.operation.type', type: 'string', on: 'publish, process', meaning: '`send` or `process`.' },
  {
    key: 'messaging.destination.name',
    type: 'string',
    on: 'publish, process',
    meaning: 'The message: `clip.generate`.',
  },
  { key: 'messaging.message.id', type: 'string', on: 'publish, process', meaning: 'Its deterministic id.' },
  { key: 'messaging.consumer.group.name', type: 'string', on: 'process', meaning: 'The inbox, which replicas share.' },
  { key: 'gen_ai.operation.name', type: 'string', on: 'chat', meaning: '`chat`.' },
  { key: 'gen_ai.provider.name', type: 'string', on: 'chat', meaning: '`openai`.' },
  { key: 'gen_ai.request.model', type: 'string', on: 'chat', meaning: 'The language model that was asked for.' },
  { key: 'gen_ai.response.id', type: 'string', on: 'chat', meaning: 'The id of the completion.' },
  { key: 'gen_ai.response.model', type: 'string', on: 'chat', meaning: 'The language model that answered.' },
  { key: 'gen_ai.usage.input_tokens', type: 'number', on: 'chat', meaning: 'Tokens of the question.' },
  { key: 'gen_ai.usage.output_tokens', type: 'number', on: 'chat', meaning: 'Tokens of the answer.' },
  {
    key: 'db.collection.name',
    type: 'string',
    on: 'operations of the store',
    meaning: '`generations`, `attempts`, `ledger`, …',
  },
  { key: 'db.operation.name', type: 'string', on: 'operations of the store', meaning: '`get`, `save`, …' },
  { key: 'process.exit.code', type: 'number', on: 'ffmpeg', meaning: 'Absent where a signal ended the program.' },
  { key: 'process.exit.signal', type: 'string', on: 'ffmpeg', meaning: 'The signal that ended it.' },
];

/** The attributes as a table in Markdown: ours, or those of the conventions. */
export function attributesTable(which: 'own' | 'conventions'): string {
  const rows: readonly Attribute[] = which === 'own' ? Object.values(ATTRIBUTES) : CONVENTIONS;
  return [
    '| attribute | type | on | meaning |',
    '|---|---|---|---|',
    ...rows.map(({ key, type, on, meaning }) => `| \`${key}\` | ${type} | ${on} | ${meaning} |`),
    '',
  ].join('\n');
}
