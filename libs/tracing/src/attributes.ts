import { STAGES } from '@clipmesh/contracts';

interface Attribute {
  readonly key: string;
  readonly type: 'string' | 'number' | 'boolean';
  /** Spans that have the attribute. */
  readonly on: string;
  readonly meaning: string;
}

/** Every attribute of Clipmesh. docs/traces.md lists them. */
export const ATTRIBUTES = {
  generationId: {
    key: 'clipmesh.generation.id',
    type: 'string',
    on: 'POST, publish, process',
    meaning: 'Id of the generation.',
  },
  stage: {
    key: 'clipmesh.stage',
    type: 'string',
    on: 'process of a command, chat, provider run, ffmpeg',
    meaning: `Stage that the self time of the span counts for: ${STAGES.map((stage) => `\`${stage}\``).join(', ')}. Spans without it inherit the stage of their parent.`,
  },
  scene: {
    key: 'clipmesh.scene.index',
    type: 'number',
    on: 'process, predict',
    meaning: 'Index of the scene, from 0.',
  },
  step: {
    key: 'clipmesh.attempt',
    type: 'number',
    on: 'process',
    meaning: 'Number of the command step: 1, 2, …',
  },
  workerId: {
    key: 'clipmesh.worker.id',
    type: 'string',
    on: 'process',
    meaning: 'The replica, as in `service.instance.id`: `clip-generator.2`.',
  },
  poolSize: {
    key: 'clipmesh.pool.size',
    type: 'number',
    on: 'process',
    meaning: 'Maximum number of messages of this kind that one replica handles at once.',
  },
  enqueuedAtMs: {
    key: 'clipmesh.queue.enqueued_at_ms',
    type: 'number',
    on: 'process',
    meaning: 'Time at which the broker stored the message, ms since the epoch.',
  },
  queueWaitMs: {
    key: 'clipmesh.queue.wait_ms',
    type: 'number',
    on: 'process',
    meaning: 'Time from `enqueued_at_ms` to the start of the handler, ms. For a redelivery it includes earlier tries.',
  },
  waitClass: {
    key: 'clipmesh.wait.class',
    type: 'string',
    on: 'await admission, provider queue, poll lag',
    meaning:
      'Present on spans that wait and do no work. Reason: `queue`, `provider_queue`, `rate_limit`, `poll_lag`, `dispatch`, `external` or `retry`.',
  },
  settlement: {
    key: 'clipmesh.settlement',
    type: 'string',
    on: 'process',
    meaning: 'How the message was settled: `ack`, `nak` (redelivered) or `term` (dead letter).',
  },
  costMicros: {
    key: 'clipmesh.cost.micros',
    type: 'number',
    on: 'predict',
    meaning: 'Cost, micro-dollars.',
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
    meaning: 'Id of the prediction at the provider.',
  },
  cached: {
    key: 'clipmesh.cached',
    type: 'boolean',
    on: 'process clip.generate',
    meaning: 'True: the clip came from the cache and nothing was bought.',
  },
  window: {
    key: 'clipmesh.window',
    type: 'number',
    on: 'process (director)',
    meaning: 'Maximum number of scenes of this generation in flight at once.',
  },
  final: {
    key: 'clipmesh.final',
    type: 'boolean',
    on: 'process (director)',
    meaning: 'True on the span that ended the run of the generation: with a final status, or with a draft.',
  },
  cpuMs: {
    key: 'clipmesh.process.cpu_ms',
    type: 'number',
    on: 'ffmpeg',
    meaning:
      'CPU time of the process, user and system, ms. Exceeds the duration of the span if the process used several cores.',
  },
  frames: {
    key: 'clipmesh.media.frames',
    type: 'number',
    on: 'ffmpeg',
    meaning: 'Frames that the process encoded; of a join, the frames that it copied.',
  },
  hostId: {
    key: 'clipmesh.host.id',
    type: 'string',
    on: 'ffmpeg',
    meaning: 'The host whose cores the process used: a machine, or a container with its own CPU limit.',
  },
  hostCores: {
    key: 'clipmesh.host.cores',
    type: 'number',
    on: 'ffmpeg',
    meaning: 'Cores of that host: the CPU limit of its control group. Default: the cores that the process may run on.',
  },
  hostIdleBeforeMs: {
    key: 'clipmesh.host.idle_before_ms',
    type: 'number',
    on: 'ffmpeg',
    meaning: 'Idle CPU time of the machine since boot, summed over its cores, when the process started, ms.',
  },
  hostIdleAfterMs: {
    key: 'clipmesh.host.idle_after_ms',
    type: 'number',
    on: 'ffmpeg',
    meaning: 'The same when the process had ended. The difference is the unused CPU time during the process.',
  },
} as const satisfies Readonly<Record<string, Attribute>>;

/** The keys of {@link ATTRIBUTES}. */
export const ATTR = Object.fromEntries(Object.entries(ATTRIBUTES).map(([name, { key }]) => [name, key])) as {
  readonly [Name in keyof typeof ATTRIBUTES]: (typeof ATTRIBUTES)[Name]['key'];
};

/** Attributes of the same spans and type, by key with their meaning. */
const on = (
  spans: string,
  meanings: Readonly<Record<string, string>>,
  type: Attribute['type'] = 'string',
): readonly Attribute[] => Object.entries(meanings).map(([key, meaning]) => ({ key, type, on: spans, meaning }));

/** Attributes of the OpenTelemetry semantic conventions that Clipmesh sets. The HTTP instrumentation sets its own. */
export const CONVENTIONS: readonly Attribute[] = [
  ...on('failed spans', { 'error.type': 'The failure code, or the class of the error.' }),
  ...on('publish, process', {
    'messaging.system': '`nats`.',
    'messaging.operation.type': '`send` or `process`.',
    'messaging.destination.name': 'The message name, such as `clip.generate`.',
    'messaging.message.id': 'The deterministic message id.',
  }),
  ...on('process', { 'messaging.consumer.group.name': 'The inbox, shared by all replicas.' }),
  ...on('chat, speech', {
    'gen_ai.operation.name': '`chat`, or `generate_content` of speech.',
    'gen_ai.provider.name': '`openai`.',
    'gen_ai.request.model': 'The requested model.',
  }),
  ...on('speech', { 'gen_ai.output.type': '`speech`.' }),
  ...on('chat', {
    'gen_ai.response.id': 'The id of the completion.',
    'gen_ai.response.model': 'The language model that answered.',
  }),
  ...on(
    'chat, speech',
    { 'gen_ai.usage.input_tokens': 'Input tokens.', 'gen_ai.usage.output_tokens': 'Output tokens.' },
    'number',
  ),
  ...on('store operations', {
    'db.collection.name': '`generations`, `attempts`, `ledger`, …',
    'db.operation.name': '`get`, `save`, …',
  }),
  ...on('ffmpeg', { 'process.exit.code': 'Exit code. Absent if a signal ended the process.' }, 'number'),
  ...on('ffmpeg', { 'process.exit.signal': 'The signal that ended the process.' }),
];

/** A Markdown table of the attributes of Clipmesh or of the semantic conventions. */
export function attributesTable(which: 'own' | 'conventions'): string {
  const rows: readonly Attribute[] = which === 'own' ? Object.values(ATTRIBUTES) : CONVENTIONS;
  return [
    '| attribute | type | on | meaning |',
    '|---|---|---|---|',
    ...rows.map(({ key, type, on, meaning }) => `| \`${key}\` | ${type} | ${on} | ${meaning} |`),
    '',
  ].join('\n');
}
