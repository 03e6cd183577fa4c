import { z } from 'zod';

/** One setting: its variable, what it takes (as text), and what it means. The documented default is the schema's own. */
export interface Setting<T = unknown> {
  readonly variable: string;
  readonly schema: z.ZodType<T, string | undefined>;
  /** The default as it is written in the environment; undefined: unset. */
  readonly fallback: string | undefined;
  readonly doc: string;
  /** Never shown. */
  readonly secret: boolean;
}

const setting = <T>(variable: string, schema: z.ZodType<T, string>, fallback: string, doc: string): Setting<T> => ({
  variable,
  schema: z.string().default(fallback).pipe(schema),
  fallback,
  doc,
  secret: false,
});
const optional = (variable: string, doc: string, secret = false): Setting<string | undefined> => ({
  variable,
  schema: z.string().optional(),
  fallback: undefined,
  doc,
  secret,
});
const number = (min: number, max: number, factor = 1) =>
  z
    .string()
    .regex(/^\d+(\.\d+)?$/, 'expected a number')
    .transform(Number)
    .pipe(z.number(`expected a number from ${min} to ${max}`).min(min, `at least ${min}`).max(max, `at most ${max}`))
    .transform((value) => Math.round(value * factor));
const whole = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d+$/, 'expected a whole number')
    .transform(Number)
    .pipe(z.int().min(min, `at least ${min}`).max(max, `at most ${max}`));
const seconds = (min: number, max: number) => number(min, max, 1000);
const flag = z.enum(['true', 'false'], 'expected true or false').transform((value) => value === 'true');
const text = z.string().min(1);
const list = z.string().transform((value) =>
  value
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== ''),
);
const url = (...protocols: string[]) =>
  z
    .string()
    .refine(
      (value) => URL.canParse(value) && protocols.includes(new URL(value).protocol),
      `expected an address beginning with ${protocols.join(' or ')}//`,
    );
const port = whole(1, 65_535);
const http = url('http:', 'https:');

/** Every option of every service. The key is the name in {@link Config}; durations are given in seconds and kept in ms. */
export const SETTINGS = {
  natsUrl: setting('NATS_URL', url('nats:', 'tls:', 'ws:', 'wss:'), 'nats://127.0.0.1:4222', 'Address of the broker.'),
  natsGraceMs: setting(
    'NATS_GRACE_SECONDS',
    seconds(0, 600),
    '30',
    'How long a starting service waits for the broker, seconds.',
  ),
  natsReplicas: setting('NATS_REPLICAS', whole(1, 5), '1', 'Replicas of every stream and bucket; 3 in a cluster.'),
  mongodbUri: {
    ...optional(
      'MONGODB_URI',
      'MongoDB that keeps the records (generations, ledger, purchases), mongodb://… or mongodb+srv://…. Default: the broker keeps them.',
      true,
    ),
    schema: z
      .string()
      .regex(/^mongodb(\+srv)?:\/\/[^\s/]+(\/\S*)?$/, 'expected mongodb://host or mongodb+srv://host')
      .optional(),
  },
  mongodbWaitMs: setting(
    'MONGODB_WAIT_SECONDS',
    seconds(0.1, 25),
    '20',
    'How long a start, and one operation of a service at work, waits for a MongoDB that is away, seconds.',
  ),
  mongodbRequestWaitMs: setting(
    'MONGODB_REQUEST_WAIT_SECONDS',
    seconds(0.1, 25),
    '5',
    'How long one operation of the gateway waits for a MongoDB that is away, seconds.',
  ),
  mongodbConnectTimeoutMs: setting(
    'MONGODB_CONNECT_TIMEOUT',
    seconds(0.1, 25),
    '3',
    'A new connection to MongoDB, or a question whether it is there, without an answer for this long is begun anew, seconds.',
  ),
  mongodbSocketTimeoutMs: setting(
    'MONGODB_SOCKET_TIMEOUT',
    seconds(0.1, 300),
    '15',
    'A MongoDB that does not answer an operation for this long is given up, seconds.',
  ),
  claimRetentionMs: setting(
    'CLAIM_RETENTION_DAYS',
    number(0.01, 3650, 24 * 60 * 60 * 1000),
    '30',
    'How long an Idempotency-Key is remembered, days.',
  ),
  dataDir: setting('DATA_DIR', text, '.clipmesh', 'Folder for everything that is kept on disk.'),
  artifactsDir: optional('ARTIFACTS_DIR', 'Folder for media files. Default: artifacts in DATA_DIR.'),
  tempDir: optional('TEMP_DIR', 'Folder for temporary files. Default: tmp in DATA_DIR.'),
  gatewayHost: setting(
    'GATEWAY_HOST',
    text,
    '127.0.0.1',
    'Address the gateway listens on; any other than loopback needs API_KEYS.',
  ),
  gatewayPort: setting('GATEWAY_PORT', port, '8080', 'Port of the gateway.'),
  publicUrl: {
    ...optional(
      'PUBLIC_URL',
      'Address under which Replicate reaches the gateway, to report finished clips at once. Without it they are polled for.',
    ),
    schema: http.optional(),
  },
  apiKeys: {
    ...setting(
      'API_KEYS',
      list.refine(
        (keys) => keys.every((key) => /^[A-Za-z0-9_-]{1,64}:\S{16,}$/.test(key)),
        'expected owner:key pairs, comma-separated, keys of 16 characters or more',
      ),
      '',
      'Who may call the API: owner:key pairs, comma-separated. Empty: everybody on this machine, as owner "local".',
    ),
    secret: true,
  },
  requestBodyLimitMb: setting('REQUEST_BODY_LIMIT_MB', whole(1, 100), '16', 'Largest request body, MB.'),
  sseHeartbeatMs: setting(
    'SSE_HEARTBEAT_SECONDS',
    seconds(1, 300),
    '15',
    'A comment is sent on idle event streams this often, seconds.',
  ),
  enableParallelVideoGeneration: setting(
    'ENABLE_PARALLEL_VIDEO_GENERATION',
    flag,
    'true',
    'Generate the clips of one plan in parallel; false: one after another.',
  ),
  maxParallelVideoWorkers: setting(
    'MAX_PARALLEL_VIDEO_WORKERS',
    whole(1, 12),
    '4',
    'Most clips of one generation in flight at once.',
  ),
  sequentialFallbackAfter: setting(
    'SEQUENTIAL_FALLBACK_AFTER',
    whole(1, 100),
    '3',
    'Failures of the video provider after which the rest of a generation goes on one clip after another.',
  ),
  planConcurrency: setting('PLAN_CONCURRENCY', whole(1, 64), '4', 'Plans one planner replica writes at once.'),
  directorConcurrency: setting(
    'DIRECTOR_CONCURRENCY',
    whole(1, 256),
    '16',
    'Events one planner replica handles at once.',
  ),
  clipConcurrency: setting(
    'CLIP_CONCURRENCY',
    whole(1, 64),
    '4',
    'Clips one clip-generator replica has in flight at once.',
  ),
  overlayConcurrency: setting(
    'OVERLAY_CONCURRENCY',
    whole(1, 64),
    '2',
    'Overlays one overlay replica encodes at once.',
  ),
  stitchConcurrency: setting('STITCH_CONCURRENCY', whole(1, 64), '1', 'Films one stitcher replica joins at once.'),
  costConcurrency: setting('COST_CONCURRENCY', whole(1, 256), '8', 'Events one cost replica handles at once.'),
  llmAttempts: setting('LLM_ATTEMPTS', whole(1, 20), '3', 'Tries of a plan.'),
  llmRetryFirstMs: setting(
    'LLM_RETRY_FIRST_SECONDS',
    seconds(0, 3600),
    '2',
    'Wait before the second try of a plan, seconds; doubles each time.',
  ),
  llmRetryMaxMs: setting(
    'LLM_RETRY_MAX_SECONDS',
    seconds(0, 3600),
    '60',
    'Longest wait between two tries of a plan, seconds.',
  ),
  videoAttempts: setting('VIDEO_ATTEMPTS', whole(1, 20), '3', 'Tries of a clip per model.'),
  videoRetryFirstMs: setting(
    'VIDEO_RETRY_FIRST_SECONDS',
    seconds(0, 3600),
    '1',
    'Wait before the second try of a clip, seconds; doubles each time.',
  ),
  videoRetryMaxMs: setting(
    'VIDEO_RETRY_MAX_SECONDS',
    seconds(0, 3600),
    '30',
    'Longest wait between two tries of a clip, seconds.',
  ),
  rateLimitPatienceMs: setting(
    'RATE_LIMIT_PATIENCE',
    seconds(0, 86_400),
    '1200',
    'For so long since it was asked for, a clip that the provider puts off by a rate limit uses up no try, seconds.',
  ),
  storePatienceMs: setting(
    'STORE_PATIENCE',
    seconds(0, 86_400),
    '1800',
    'For so long since it was sent, a message that meets a store which is away uses up no try, seconds: it is tried again until the store is back.',
  ),
  providerCallTimeoutMs: setting(
    'PROVIDER_CALL_TIMEOUT',
    seconds(1, 300),
    '30',
    'Longest wait for the answer of one call to the video provider, seconds.',
  ),
  attemptSettleMs: setting(
    'ATTEMPT_SETTLE_SECONDS',
    seconds(0, 300),
    '3',
    'A purchase whose answer was lost shows up at the provider within this time, seconds; until then it is not bought again.',
  ),
  budgetPerOwnerMicros: {
    ...optional('BUDGET_PER_OWNER_USD', 'Most that one owner may spend in a BUDGET_PERIOD, dollars. Empty: no limit.'),
    schema: number(0, 1_000_000, 1_000_000).optional(),
  },
  budgetPeriod: setting(
    'BUDGET_PERIOD',
    z.enum(['day', 'month'], 'expected day or month'),
    'month',
    'Period of BUDGET_PER_OWNER_USD, UTC: day or month.',
  ),
  budgetSweepMs: setting(
    'BUDGET_SWEEP_SECONDS',
    seconds(0.1, 3600),
    '15',
    'Time between two looks for reservations that a crash left behind, seconds.',
  ),
  sweepIntervalMs: setting(
    'SWEEP_INTERVAL_SECONDS',
    seconds(0.1, 3600),
    '15',
    'Time between two looks for generations that nothing carries on, seconds.',
  ),
  stallAfterMs: setting(
    'STALL_AFTER_SECONDS',
    seconds(0.1, 86_400),
    '60',
    'A generation without a message and without a change for this long is revived, seconds.',
  ),
  maxRevivals: setting(
    'MAX_REVIVALS',
    whole(0, 100),
    '3',
    'How often lost work of one generation is sent again before it fails.',
  ),
  retentionMs: setting(
    'RETENTION_DAYS',
    number(0.000_01, 36_500, 86_400_000),
    '30',
    'Generations that ended this long ago are removed with everything but what they cost, days.',
  ),
  retentionSweepMs: setting(
    'RETENTION_SWEEP_SECONDS',
    seconds(0.1, 86_400),
    '3600',
    'Time between two looks for what has expired and for files that nothing refers to, seconds.',
  ),
  orphanGraceMs: setting(
    'ORPHAN_GRACE_HOURS',
    number(0, 8760, 3_600_000),
    '24',
    'Files that nothing refers to are kept this long, hours: longer than any message can be under way.',
  ),
  mediaAttempts: setting('MEDIA_ATTEMPTS', whole(1, 20), '3', 'Tries of an overlay or a join.'),
  mediaRetryFirstMs: setting(
    'MEDIA_RETRY_FIRST_SECONDS',
    seconds(0, 3600),
    '1',
    'Wait before the second try of an overlay or a join, seconds; doubles each time.',
  ),
  mediaRetryMaxMs: setting(
    'MEDIA_RETRY_MAX_SECONDS',
    seconds(0, 3600),
    '30',
    'Longest wait between two tries of an overlay or a join, seconds.',
  ),
  openaiApiTimeoutMs: setting(
    'OPENAI_API_TIMEOUT',
    seconds(1, 3600),
    '60',
    'Longest wait for one answer of the language model, seconds.',
  ),
  videoGenerationTimeoutMs: setting(
    'VIDEO_GENERATION_TIMEOUT',
    seconds(1, 86_400),
    '1200',
    'Longest wait for one clip, seconds.',
  ),
  downloadTimeoutMs: setting('DOWNLOAD_TIMEOUT', seconds(1, 3600), '300', 'Longest download of one clip, seconds.'),
  downloadIdleTimeoutMs: setting(
    'DOWNLOAD_IDLE_TIMEOUT',
    seconds(0.1, 3600),
    '30',
    'A download is broken off after this long without a byte, seconds; it is tried again from the same prediction.',
  ),
  overlayTimeoutMs: setting('OVERLAY_TIMEOUT', seconds(1, 86_400), '600', 'Longest overlay of one clip, seconds.'),
  stitchTimeoutMs: setting('STITCH_TIMEOUT', seconds(1, 86_400), '900', 'Longest join of one film, seconds.'),
  pollIntervalMs: setting(
    'POLL_INTERVAL',
    seconds(0.1, 300),
    '2',
    'Longest pause between two looks at a running prediction, seconds; they are closer while it is young and when its model usually ends.',
  ),
  pollLogIntervalMs: setting(
    'POLL_LOG_INTERVAL',
    seconds(1, 3600),
    '30',
    'A line is logged this often while a clip is awaited, seconds.',
  ),
  ffmpegIdleTimeoutMs: setting(
    'FFMPEG_IDLE_TIMEOUT',
    seconds(1, 3600),
    '60',
    'ffmpeg is ended after this long without progress, seconds.',
  ),
  ffmpegProcesses: setting('FFMPEG_PROCESSES', whole(1, 64), '2', 'ffmpeg processes one service runs at once.'),
  ffmpegThreads: setting(
    'FFMPEG_THREADS',
    whole(1, 64),
    '1',
    'Threads of each ffmpeg process; processes x threads should not exceed the cores.',
  ),
  ffmpegPreset: setting(
    'FFMPEG_PRESET',
    z.enum(['ultrafast', 'superfast', 'veryfast', 'faster', 'fast', 'medium', 'slow']),
    'veryfast',
    'x264 preset of the one encode.',
  ),
  ffmpegCrf: setting('FFMPEG_CRF', whole(0, 51), '20', 'x264 quality of the one encode; lower is better and larger.'),
  ffmpegPath: optional('FFMPEG_PATH', 'ffmpeg, when it is not on PATH.'),
  ffprobePath: optional('FFPROBE_PATH', 'ffprobe, when it is not on PATH.'),
  overlayFontFile: optional(
    'OVERLAY_FONT_FILE',
    'TrueType font of the overlays. Default: DejaVu Sans Bold, which comes along.',
  ),
  ackWaitMs: setting(
    'ACK_WAIT_SECONDS',
    seconds(1, 3600),
    '15',
    'Work of a replica that gives no sign of life for this long goes to another, seconds.',
  ),
  drainMs: setting(
    'DRAIN_SECONDS',
    seconds(0, 600),
    '20',
    'A service that is told to stop finishes running work for this long, then hands it back, seconds.',
  ),
  replicateApiToken: optional(
    'REPLICATE_API_TOKEN',
    'Token of the video models on Replicate. The local stack uses its sandbox when it is not set.',
    true,
  ),
  replicateBaseUrl: setting('REPLICATE_BASE_URL', http, 'https://api.replicate.com/v1', 'Where Replicate is reached.'),
  replicateCreatesPerMinute: setting(
    'REPLICATE_CREATES_PER_MINUTE',
    whole(1, 100_000),
    '600',
    'Most predictions created per minute, by all replicas together.',
  ),
  replicateCallsPerMinute: setting(
    'REPLICATE_CALLS_PER_MINUTE',
    whole(1, 1_000_000),
    '3000',
    'Most other calls per minute, by all replicas together.',
  ),
  replicateInputKey: setting(
    'REPLICATE_INPUT_KEY',
    z
      .string()
      .regex(/^[A-Za-z_]\w{0,63}$|^-$/, 'expected a field name, or - for none')
      .transform((name) => (name === '-' ? '' : name)),
    'clipmesh_key',
    'Field of the input that carries the key of a purchase, so that it is found again; -: none. A model that refuses it gets none.',
  ),
  replicateWebhookSecret: {
    ...optional(
      'REPLICATE_WEBHOOK_SECRET',
      'Secret that the webhooks of Replicate are signed with, whsec_…; without it they are refused.',
      true,
    ),
    schema: z
      .string()
      .regex(/^whsec_[A-Za-z0-9+/]{16,}={0,2}$/, 'expected whsec_ and base64')
      .optional(),
  },
  breakerFailures: setting(
    'BREAKER_FAILURES',
    whole(1, 1000),
    '5',
    'Failures of a video model in a row, over all replicas, after which it is left alone and the next model is taken.',
  ),
  breakerOpenMs: setting(
    'BREAKER_OPEN_SECONDS',
    seconds(0.1, 3600),
    '30',
    'A video model that failed too often is left alone for this long, seconds; then one clip probes it.',
  ),
  videoModels: setting(
    'VIDEO_MODELS',
    list.refine((models) => models.length > 0, 'expected at least one model'),
    'google/veo-3.1,google/veo-3,pixverse/pixverse-v5,bytedance/seedance-1-lite,minimax/video-01',
    'Video models in the order in which they are tried.',
  ),
  clipCache: setting(
    'CLIP_CACHE',
    flag,
    'true',
    'Clips and plans that were bought before are used again, and what is asked for twice at once is bought once.',
  ),
  cacheTtlMs: setting(
    'CACHE_TTL_DAYS',
    number(0.001, 3650, 24 * 3600 * 1000),
    '30',
    'What was bought is used again for this long, days.',
  ),
  cacheMaxBytes: setting(
    'CACHE_MAX_GB',
    number(0.001, 1_000_000, 1e9),
    '10',
    'Files of the cache together, GB; beyond that the least recently used are forgotten.',
  ),
  cacheLeaseMs: setting(
    'CACHE_LEASE_SECONDS',
    seconds(1, 3600),
    '60',
    'Others that want what a dead replica was buying wait this long, seconds, then buy it themselves; longer than ACK_WAIT_SECONDS and than the longest wait between two tries.',
  ),
  cacheSweepMs: setting(
    'CACHE_SWEEP_SECONDS',
    seconds(0.1, 86_400),
    '300',
    'Time between two looks for entries of the cache that have to go, seconds.',
  ),
  openaiApiKey: optional(
    'OPENAI_API_KEY',
    'Key of the language model that writes plans. Without it plans come from templates.',
    true,
  ),
  openaiBaseUrl: setting('OPENAI_BASE_URL', http, 'https://api.openai.com/v1', 'Where the language model is reached.'),
  openaiStore: setting(
    'OPENAI_STORE',
    flag,
    'true',
    'Asks the language model to keep its answers, as OpenAI does for 30 days, so that one which was lost with a killed planner is found, used and booked.',
  ),
  openaiModel: setting('OPENAI_MODEL', text, 'gpt-4o-mini', 'Language model that writes plans.'),
  logLevel: setting(
    'LOG_LEVEL',
    z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']),
    'info',
    'Least level that is logged.',
  ),
  traceStream: setting(
    'TRACE_STREAM',
    flag,
    'true',
    'Keep spans in the broker, in the stream TRACES, where the analysis reads them.',
  ),
  otelExporterOtlpEndpoint: {
    ...optional('OTEL_EXPORTER_OTLP_ENDPOINT', 'OTLP/HTTP address that traces are also sent to, a Jaeger for example.'),
    schema: http.optional(),
  },
  otelServiceName: optional('OTEL_SERVICE_NAME', 'Name of the service in traces. The local stack and compose set it.'),
  otelServiceInstanceId: optional(
    'OTEL_SERVICE_INSTANCE_ID',
    'Which replica this is, in traces and logs. Default: the service name and the process id.',
  ),
  sandboxHost: setting('SANDBOX_HOST', text, '127.0.0.1', 'Address the sandbox listens on.'),
  sandboxPort: setting('SANDBOX_PORT', port, '9090', 'Port of the sandbox.'),
} as const satisfies Record<string, Setting>;
