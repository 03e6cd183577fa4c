import { z } from 'zod';
import {
  brokerAddresses,
  flag,
  http,
  list,
  number,
  optional,
  port,
  providerToken,
  providerUrl,
  seconds,
  setting,
  text,
  type Setting,
  whole,
} from './setting.kinds.js';

/** Format of Standard Webhooks. */
const webhookSecret = z
  .string()
  .regex(/^whsec_[A-Za-z0-9+/]{16,}={0,2}$/, 'expected whsec_ and base64')
  .optional();

/** The server of each model, `model=url`. */
const cogEndpoints = list
  .transform((entries) =>
    entries.map((entry) => ({ model: entry.split('=', 1)[0] ?? '', url: entry.slice(entry.indexOf('=') + 1) })),
  )
  .refine(
    (entries) => entries.every(({ model, url }) => model !== '' && http.safeParse(url).success),
    'expected model=http://host:port, comma-separated',
  )
  .refine((entries) => new Set(entries.map(({ model }) => model)).size === entries.length, 'expected each model once');

/** A price in US dollars, parsed to micro-dollars. May be unset. */
const price = (variable: string, doc: string): Setting<number | undefined> => ({
  ...optional(variable, doc),
  schema: number(0, 10_000, 1_000_000).optional(),
});

/** Every setting of every service. The key is its name in {@link Config}. Durations are seconds in variables and ms in the config. */
export const SETTINGS = {
  natsUrl: {
    ...setting(
      'NATS_URL',
      brokerAddresses,
      'nats://127.0.0.1:4222',
      'Broker addresses, comma-separated: nats://host:port, or tls://host:port to require TLS. Put credentials into the first address, percent-encoded: nats://user:password@host or nats://token@host.',
    ),
    secret: true,
  },
  natsCredsFile: optional(
    'NATS_CREDS_FILE',
    'NATS credentials file with the JWT and seed of a user, as written by nsc. Default: none.',
  ),
  natsNkeySeedFile: optional('NATS_NKEY_SEED_FILE', 'File with the NKey seed of a NATS user (SU…). Default: none.'),
  natsTlsCaFile: optional(
    'NATS_TLS_CA_FILE',
    "PEM file with the certificate authority of the broker. Default: the system's authorities.",
  ),
  natsTlsCertFile: optional(
    'NATS_TLS_CERT_FILE',
    'PEM file with the client certificate, for brokers that require one. Its key is in NATS_TLS_KEY_FILE. Default: none.',
  ),
  natsTlsKeyFile: optional('NATS_TLS_KEY_FILE', 'PEM file with the private key of NATS_TLS_CERT_FILE. Default: none.'),
  natsGraceMs: setting(
    'NATS_GRACE_SECONDS',
    seconds(0, 600),
    '30',
    'Time a starting service waits for an unreachable broker, and again for JetStream, in seconds. The service exits at once if the broker rejects it.',
  ),
  natsConnectTimeoutMs: setting(
    'NATS_CONNECT_TIMEOUT',
    seconds(0.1, 60),
    '5',
    'Timeout of one connection attempt to one broker address, in seconds.',
  ),
  natsReconnectFirstMs: setting(
    'NATS_RECONNECT_FIRST_SECONDS',
    seconds(0.01, 60),
    '0.25',
    'Delay before the second attempt to reconnect to the broker, in seconds. It doubles with each attempt, with random jitter.',
  ),
  natsReconnectMaxMs: setting(
    'NATS_RECONNECT_MAX_SECONDS',
    seconds(0.01, 300),
    '5',
    'Longest delay between two attempts to reconnect to the broker, in seconds.',
  ),
  eventsMaxBytes: setting(
    'EVENTS_MAX_MB',
    number(1, 1_000_000, 1024 * 1024),
    '512',
    'Size limit of the event stream, in MB. While events that an inbox has not handled yet fill the stream, publishing fails.',
  ),
  eventsKeepMs: setting(
    'EVENTS_DAYS',
    number(0.01, 3650, 24 * 60 * 60 * 1000),
    '7',
    'Retention of handled events for replay, in days. The oldest are removed earlier when the stream is nearly full.',
  ),
  natsReplicas: setting('NATS_REPLICAS', whole(1, 5), '1', 'Replicas of every stream and bucket. Use 3 in a cluster.'),
  mongodbUri: {
    ...optional(
      'MONGODB_URI',
      'MongoDB that stores the records (generations, ledger, purchases): mongodb://… or mongodb+srv://…. Default: none; the broker stores them.',
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
    'Time that service start, and each operation of a running service, waits for an unreachable MongoDB, in seconds. The gateway uses MONGODB_REQUEST_WAIT_SECONDS for operations.',
  ),
  mongodbRequestWaitMs: setting(
    'MONGODB_REQUEST_WAIT_SECONDS',
    seconds(0.1, 25),
    '5',
    'Time that each operation of the gateway waits for an unreachable MongoDB, in seconds.',
  ),
  mongodbConnectTimeoutMs: setting(
    'MONGODB_CONNECT_TIMEOUT',
    seconds(0.1, 25),
    '3',
    'Timeout of a new MongoDB connection and of a heartbeat, in seconds. After it, a new connection is opened.',
  ),
  mongodbSocketTimeoutMs: setting(
    'MONGODB_SOCKET_TIMEOUT',
    seconds(0.1, 300),
    '15',
    'Timeout of one MongoDB operation without an answer, in seconds.',
  ),
  claimRetentionMs: setting(
    'CLAIM_RETENTION_DAYS',
    number(0.01, 3650, 24 * 60 * 60 * 1000),
    '30',
    'Retention of Idempotency-Keys, in days.',
  ),
  dataDir: setting('DATA_DIR', text, '.clipmesh', 'Folder for everything that is stored on disk.'),
  artifactsDir: optional('ARTIFACTS_DIR', 'Folder for media files. Default: artifacts in DATA_DIR.'),
  tempDir: optional('TEMP_DIR', 'Folder for temporary files. Default: tmp in DATA_DIR.'),
  gatewayHost: setting(
    'GATEWAY_HOST',
    text,
    '127.0.0.1',
    'Address that the gateway listens on. Any address other than loopback requires API_KEYS.',
  ),
  gatewayPort: setting('GATEWAY_PORT', port, '8080', 'Port of the gateway.'),
  publicUrl: {
    ...optional(
      'PUBLIC_URL',
      'URL under which video providers, such as Replicate and fal, can reach the gateway to report finished clips. fal needs PROVIDER_WEBHOOK_SECRET too. Default: none; clips are polled for.',
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
      'API keys as owner:key pairs, comma-separated; keys have at least 16 characters. Default: none; everybody on this machine may call the API, as owner "local".',
    ),
    secret: true,
  },
  metricsToken: {
    ...optional(
      'METRICS_TOKEN',
      'Token for reading /metrics, sent as Authorization: Bearer. At least 16 characters, and different from every key in API_KEYS. Default: none; /metrics then answers connections from this machine if API_KEYS and PUBLIC_URL are not set, and otherwise returns 403.',
      true,
    ),
    schema: z
      .string()
      .regex(/^\S{16,}$/, 'expected 16 characters or more')
      .optional(),
    services: ['gateway'],
  },
  metricsLeaseMs: setting(
    'METRICS_LEASE_SECONDS',
    seconds(0.1, 3600),
    '90',
    'One gateway exports the broker metrics. If it is not scraped for this long, in seconds, another gateway takes over. Must be longer than the scrape interval.',
  ),
  requestBodyLimitMb: setting('REQUEST_BODY_LIMIT_MB', whole(1, 100), '16', 'Maximum size of a request body, in MB.'),
  referenceImageTimeoutMs: setting(
    'REFERENCE_IMAGE_TIMEOUT',
    seconds(0.1, 10),
    '10',
    'Timeout for fetching the reference image of a request, in seconds.',
  ),
  allowPrivateUrls: setting(
    'ALLOW_PRIVATE_URLS',
    flag,
    'false',
    'Allow URLs in requests that use plain http or lead to this machine or private networks. Set to true only if everybody with an API key may read what those URLs serve.',
  ),
  sseHeartbeatMs: setting(
    'SSE_HEARTBEAT_SECONDS',
    seconds(1, 300),
    '15',
    'Interval of keep-alive comments on idle event streams, in seconds.',
  ),
  sseStreams: setting(
    'SSE_STREAMS',
    whole(1, 10_000),
    '100',
    'Maximum number of open event streams per owner and gateway. Further requests are rejected with 429.',
  ),
  performanceReportsKept: setting(
    'PERFORMANCE_REPORTS_KEPT',
    whole(1, 100_000),
    '200',
    'Maximum number of performance reports that one gateway caches in memory.',
  ),
  performanceReportSettleMs: setting(
    'PERFORMANCE_REPORT_SETTLE_SECONDS',
    seconds(0, 3600),
    '60',
    'Time to wait for missing spans of a trace after its run has ended, in seconds. After it, the performance report is final.',
  ),
  performanceReportRefreshMs: setting(
    'PERFORMANCE_REPORT_REFRESH_SECONDS',
    seconds(0, 3600),
    '10',
    'Age at which the performance report of a trace with missing spans is computed again, in seconds.',
  ),
  keepAliveMs: setting(
    'KEEP_ALIVE_SECONDS',
    seconds(1, 3600),
    '65',
    'Time that the gateway keeps an idle HTTP connection open, in seconds. Must be longer than the idle timeout of a proxy in front of it; otherwise requests can arrive on a connection that the gateway is closing.',
  ),
  enableParallelVideoGeneration: setting(
    'ENABLE_PARALLEL_VIDEO_GENERATION',
    flag,
    'true',
    'Generate the clips of one plan in parallel. If false, clips are generated one after another.',
  ),
  maxParallelVideoWorkers: setting(
    'MAX_PARALLEL_VIDEO_WORKERS',
    whole(1, 12),
    '4',
    'Maximum number of clips of one generation in flight at once.',
  ),
  sequentialFallbackAfter: setting(
    'SEQUENTIAL_FALLBACK_AFTER',
    whole(1, 100),
    '3',
    'Number of provider failures in one generation after which its remaining clips are generated one after another.',
  ),
  planConcurrency: setting(
    'PLAN_CONCURRENCY',
    whole(1, 64),
    '4',
    'Number of plans that one planner replica writes at once.',
  ),
  directorConcurrency: setting(
    'DIRECTOR_CONCURRENCY',
    whole(1, 256),
    '16',
    'Number of events that one planner replica handles at once.',
  ),
  clipConcurrency: setting(
    'CLIP_CONCURRENCY',
    whole(1, 64),
    '4',
    'Number of clips that one clip-generator replica has in flight at once.',
  ),
  overlayConcurrency: setting(
    'OVERLAY_CONCURRENCY',
    whole(1, 64),
    '2',
    'Number of overlays that one overlay replica encodes at once.',
  ),
  speechConcurrency: setting(
    'SPEECH_CONCURRENCY',
    whole(1, 64),
    '4',
    'Number of speeches that one speaker replica makes at once.',
  ),
  stitchConcurrency: setting(
    'STITCH_CONCURRENCY',
    whole(1, 64),
    '1',
    'Number of videos that one stitcher replica joins at once.',
  ),
  costConcurrency: setting(
    'COST_CONCURRENCY',
    whole(1, 256),
    '8',
    'Number of events that one cost replica handles at once.',
  ),
  llmAttempts: setting('LLM_ATTEMPTS', whole(1, 20), '3', 'Maximum number of tries per plan.'),
  llmRetryFirstMs: setting(
    'LLM_RETRY_FIRST_SECONDS',
    seconds(0, 3600),
    '2',
    'Delay before the second try of a plan, in seconds. It doubles with each try.',
  ),
  llmRetryMaxMs: setting(
    'LLM_RETRY_MAX_SECONDS',
    seconds(0, 3600),
    '60',
    'Longest delay between two tries of a plan, in seconds.',
  ),
  llmInputPriceMicros: price(
    'LLM_INPUT_PRICE_USD_PER_MTOK',
    'Price of one million input tokens of the language model, in US dollars. Use 0 for your own server. Default: the built-in price table for known OpenAI models.',
  ),
  llmOutputPriceMicros: price(
    'LLM_OUTPUT_PRICE_USD_PER_MTOK',
    'Price of one million output tokens of the language model, in US dollars. Set both prices or neither. If the price is unknown, a budget or maxCostUsd is rejected. Default: the built-in price table for known OpenAI models.',
  ),
  llmMaxTokens: setting(
    'LLM_MAX_TOKENS',
    whole(256, 1_000_000),
    '4000',
    'Maximum output tokens of a plan, including reasoning tokens. Estimates assume this many.',
  ),
  llmRetryMaxTokens: setting(
    'LLM_RETRY_MAX_TOKENS',
    whole(256, 1_000_000),
    '16000',
    'Maximum output tokens of the single retry after a truncated plan.',
  ),
  llmMaxTokensField: setting(
    'LLM_MAX_TOKENS_FIELD',
    z.enum(['max_completion_tokens', 'max_tokens', 'none']),
    'max_completion_tokens',
    'Request field that carries the token limit. Ollama reads max_tokens only. A server that refuses one of the two gets the other. With none, no limit is sent and the limit of the server applies.',
  ),
  videoAttempts: setting('VIDEO_ATTEMPTS', whole(1, 20), '3', 'Maximum number of tries per clip and model.'),
  videoRetryFirstMs: setting(
    'VIDEO_RETRY_FIRST_SECONDS',
    seconds(0, 3600),
    '1',
    'Delay before the second try of a clip, in seconds. It doubles with each try.',
  ),
  videoRetryMaxMs: setting(
    'VIDEO_RETRY_MAX_SECONDS',
    seconds(0, 3600),
    '30',
    'Longest delay between two tries of a clip, in seconds.',
  ),
  unknownPurchases: setting(
    'UNKNOWN_PURCHASES',
    z.enum(['rebuy', 'fail'], 'expected rebuy or fail'),
    'rebuy',
    'What follows a clip whose provider cannot say whether it was made, which is charged at its highest price. rebuy buys it at most once more, and then the scene fails for this model. fail makes the scene fail for this model at once; another model may follow. Providers that never buy twice do not need it: see docs/providers.md.',
  ),
  rateLimitPatienceMs: setting(
    'RATE_LIMIT_PATIENCE',
    seconds(0, 86_400),
    '1200',
    'Rate-limited clips do not count as retries for this long after creation, in seconds.',
  ),
  storePatienceMs: setting(
    'STORE_PATIENCE',
    seconds(0, 86_400),
    '1800',
    'Messages that find a store unreachable do not count as retries for this long after they were sent, in seconds. They are retried until the store is back.',
  ),
  providerCallTimeoutMs: setting(
    'PROVIDER_CALL_TIMEOUT',
    seconds(1, 300),
    '30',
    'Timeout of one call to the video provider, in seconds.',
  ),
  attemptSettleMs: setting(
    'ATTEMPT_SETTLE_SECONDS',
    seconds(0, 300),
    '3',
    'Time within which a purchase whose answer was lost appears at the provider, in seconds. It is not bought again before that.',
  ),
  budgetPerOwnerMicros: {
    ...optional(
      'BUDGET_PER_OWNER_USD',
      'Maximum spending per owner and BUDGET_PERIOD, in US dollars. Default: no limit.',
    ),
    schema: number(0, 1_000_000, 1_000_000).optional(),
  },
  budgetPeriod: setting(
    'BUDGET_PERIOD',
    z.enum(['day', 'month'], 'expected day or month'),
    'month',
    'Period of BUDGET_PER_OWNER_USD, in UTC: day or month.',
  ),
  budgetSweepMs: setting(
    'BUDGET_SWEEP_SECONDS',
    seconds(0.1, 3600),
    '15',
    'Interval between sweeps for budget reservations that a crash left behind, in seconds.',
  ),
  sweepIntervalMs: setting(
    'SWEEP_INTERVAL_SECONDS',
    seconds(0.1, 3600),
    '15',
    'Interval between sweeps for stalled generations, in seconds.',
  ),
  stallAfterMs: setting(
    'STALL_AFTER_SECONDS',
    seconds(0.1, 86_400),
    '60',
    'Time without a message or a change after which a generation counts as stalled and its work is sent again, in seconds.',
  ),
  approvalMs: setting(
    'APPROVAL_DAYS',
    number(0.0001, 365, 24 * 60 * 60 * 1000),
    '7',
    'Time a plan may wait for approval, in days. After it, the generation is canceled.',
  ),
  maxRevivals: setting(
    'MAX_REVIVALS',
    whole(0, 100),
    '3',
    'Number of times that lost work of one generation is sent again before the generation fails.',
  ),
  retentionMs: setting(
    'RETENTION_DAYS',
    number(0.000_01, 36_500, 86_400_000),
    '30',
    'Retention of generations after they end, in days. After it, everything but their cost records is removed.',
  ),
  retentionSweepMs: setting(
    'RETENTION_SWEEP_SECONDS',
    seconds(0.1, 86_400),
    '3600',
    'Interval between sweeps for expired generations and unreferenced files, in seconds.',
  ),
  orphanGraceMs: setting(
    'ORPHAN_GRACE_HOURS',
    number(0, 8760, 3_600_000),
    '24',
    'Retention of unreferenced files, in hours. Must be longer than any message can be in flight.',
  ),
  mediaAttempts: setting('MEDIA_ATTEMPTS', whole(1, 20), '3', 'Maximum number of tries per overlay and per join.'),
  mediaRetryFirstMs: setting(
    'MEDIA_RETRY_FIRST_SECONDS',
    seconds(0, 3600),
    '1',
    'Delay before the second try of an overlay or a join, in seconds. It doubles with each try.',
  ),
  mediaRetryMaxMs: setting(
    'MEDIA_RETRY_MAX_SECONDS',
    seconds(0, 3600),
    '30',
    'Longest delay between two tries of an overlay or a join, in seconds.',
  ),
  openaiApiTimeoutMs: setting(
    'OPENAI_API_TIMEOUT',
    seconds(1, 3600),
    '60',
    'Timeout of one call to the language model, in seconds.',
  ),
  videoGenerationTimeoutMs: setting(
    'VIDEO_GENERATION_TIMEOUT',
    seconds(1, 86_400),
    '1200',
    'Timeout for the generation of one clip, in seconds.',
  ),
  downloadTimeoutMs: setting(
    'DOWNLOAD_TIMEOUT',
    seconds(1, 3600),
    '300',
    'Timeout for the download of one clip, in seconds.',
  ),
  downloadIdleTimeoutMs: setting(
    'DOWNLOAD_IDLE_TIMEOUT',
    seconds(0.1, 3600),
    '30',
    'Time without a byte after which a download is aborted, in seconds. It is retried from the same prediction.',
  ),
  clipDownloadAttempts: setting(
    'CLIP_DOWNLOAD_ATTEMPTS',
    whole(1, 20),
    '3',
    "Maximum number of downloads of one prediction's output. If the last file is not a valid clip either, the prediction counts as failed and the next model generates the clip.",
  ),
  clipDownloadRetryFirstMs: setting(
    'CLIP_DOWNLOAD_RETRY_FIRST_SECONDS',
    seconds(0, 3600),
    '1',
    'Delay before an invalid clip file is downloaded again, in seconds. It doubles with each try.',
  ),
  clipDownloadRetryMaxMs: setting(
    'CLIP_DOWNLOAD_RETRY_MAX_SECONDS',
    seconds(0, 3600),
    '30',
    'Longest delay between two downloads of one output, in seconds.',
  ),
  clipMinPercent: setting(
    'CLIP_MIN_PERCENT',
    whole(0, 100),
    '50',
    'Minimum duration of a clip, in percent of the requested duration. A shorter clip counts as a failed prediction.',
  ),
  clipMaxMs: setting(
    'CLIP_MAX_SECONDS',
    seconds(1, 86_400),
    '600',
    'Maximum duration of a clip, in seconds. A longer clip counts as a failed prediction.',
  ),
  musicMinMs: setting(
    'MUSIC_MIN_SECONDS',
    seconds(0, 3600),
    '0.5',
    'Minimum duration of uploaded music, in seconds. Shorter music is rejected.',
  ),
  uploadCheckTimeoutMs: setting(
    'UPLOAD_CHECK_TIMEOUT',
    seconds(1, 300),
    '30',
    'Timeout of each process that checks an uploaded file, in seconds. After it, the request is answered with 503. Time spent waiting for a free process does not count.',
  ),
  uploadChecks: setting(
    'UPLOAD_CHECKS',
    whole(1, 1000),
    '2',
    'Maximum number of requests per owner whose uploads one gateway checks at once. Further requests are rejected with 429.',
  ),
  overlayTimeoutMs: setting(
    'OVERLAY_TIMEOUT',
    seconds(1, 86_400),
    '600',
    'Timeout for the overlay of one clip, in seconds.',
  ),
  stitchTimeoutMs: setting('STITCH_TIMEOUT', seconds(1, 86_400), '900', 'Timeout for joining one video, in seconds.'),
  pollIntervalMs: setting(
    'POLL_INTERVAL',
    seconds(0.1, 300),
    '2',
    "Longest interval between two polls of a running prediction, in seconds. The interval is shorter while the prediction is new and near the model's usual duration.",
  ),
  pollLogIntervalMs: setting(
    'POLL_LOG_INTERVAL',
    seconds(1, 3600),
    '30',
    'Interval of progress log lines while waiting for a clip, in seconds.',
  ),
  ffmpegIdleTimeoutMs: setting(
    'FFMPEG_IDLE_TIMEOUT',
    seconds(1, 3600),
    '60',
    'Time without progress after which ffmpeg is stopped, in seconds.',
  ),
  ffmpegProcesses: setting(
    'FFMPEG_PROCESSES',
    whole(1, 64),
    '2',
    'Maximum number of ffmpeg processes that one service runs at once.',
  ),
  ffmpegThreads: setting(
    'FFMPEG_THREADS',
    whole(1, 64),
    '1',
    'Threads of each ffmpeg process. FFMPEG_PROCESSES × FFMPEG_THREADS should not exceed the number of cores.',
  ),
  ffmpegMemoryMb: setting(
    'FFMPEG_MEMORY_MB',
    whole(200, 65_536),
    '800',
    'Memory of each ffmpeg and ffprobe process, in MB. A clip that needs more fails with OUT_OF_MEMORY. Needs prlimit of util-linux; without it there is no limit.',
  ),
  ffmpegPreset: setting(
    'FFMPEG_PRESET',
    z.enum(['ultrafast', 'superfast', 'veryfast', 'faster', 'fast', 'medium', 'slow']),
    'veryfast',
    'x264 preset of the final encode.',
  ),
  ffmpegCrf: setting(
    'FFMPEG_CRF',
    whole(0, 51),
    '20',
    'x264 quality (CRF) of the final encode, 0 to 51. Lower is better and larger.',
  ),
  ffmpegPath: { ...optional('FFMPEG_PATH', 'Path of ffmpeg. Default: ffmpeg from PATH.'), services: [] },
  ffprobePath: { ...optional('FFPROBE_PATH', 'Path of ffprobe. Default: ffprobe from PATH.'), services: [] },
  overlayFontFiles: setting(
    'OVERLAY_FONT_FILE',
    list,
    '',
    'TrueType, OpenType or WOFF2 files of your brand, comma-separated. A character is drawn with the first file that has it, else with the bundled fonts. Default: none.',
  ),
  ackWaitMs: setting(
    'ACK_WAIT_SECONDS',
    seconds(1, 3600),
    '15',
    'Time without a sign of life from a replica after which its message is redelivered to another, in seconds.',
  ),
  drainMs: setting(
    'DRAIN_SECONDS',
    seconds(0, 600),
    '20',
    'Time that a stopping service gives running work to finish, in seconds. After it, the work is returned to the broker.',
  ),
  orphanStopMs: {
    ...setting(
      'ORPHAN_STOP_SECONDS',
      seconds(0, 600),
      '5',
      'Time that services give running work to finish when the process of npm run up or npm run demo was killed, in seconds. After it, the services are killed.',
    ),
    services: [],
  },
  healthHost: { ...setting('HEALTH_HOST', text, '127.0.0.1', 'Address that HEALTH_PORT is opened on.'), services: [] },
  healthPort: setting(
    'HEALTH_PORT',
    whole(0, 65_535),
    '0',
    'Port on which a service without an API answers GET /healthz (it runs) and GET /readyz (it reaches the broker). 0 opens no port.',
  ),
  replicateApiToken: providerToken(
    'replicate',
    'REPLICATE_API_TOKEN',
    'API token for the video models on Replicate. Default: none; the local stack uses its sandbox.',
  ),
  replicateBaseUrl: providerUrl(
    'replicate',
    'REPLICATE_BASE_URL',
    'https://api.replicate.com/v1',
    '/v1',
    'Base URL of the Replicate API.',
  ),
  replicateCreatesPerMinute: setting(
    'REPLICATE_CREATES_PER_MINUTE',
    whole(1, 100_000),
    '600',
    'Maximum number of predictions created per minute, across all replicas.',
  ),
  replicateCallsPerMinute: setting(
    'REPLICATE_CALLS_PER_MINUTE',
    whole(1, 1_000_000),
    '3000',
    'Maximum number of other Replicate calls per minute, across all replicas.',
  ),
  replicateCreateSlotMs: setting(
    'REPLICATE_CREATE_SLOT_SECONDS',
    seconds(0.05, 300),
    '1',
    'Predictions are created one at a time. A create without an answer blocks the next one for at most this long, in seconds.',
  ),
  replicateInputKey: setting(
    'REPLICATE_INPUT_KEY',
    z
      .string()
      .regex(/^[A-Za-z_]\w{0,63}$|^-$/, 'expected a field name, or - for none')
      .transform((name) => (name === '-' ? '' : name)),
    '-',
    'Model input field that carries the purchase key, so that a purchase whose answer was lost can be found. It is sent only to models whose schema has the field. With -, no key is sent; purchases are found by their webhook URL or their input.',
  ),
  cogEndpoints: {
    ...setting(
      'COG_ENDPOINTS',
      cogEndpoints,
      '',
      'Cog servers of your own GPUs: model=URL, comma-separated, such as acme/reel=http://127.0.0.1:5000. Each model needs an entry with the provider cog. Empty: none. See docs/providers.md.',
    ),
    paid: true,
  },
  cogWebhookUrl: {
    ...optional(
      'COG_WEBHOOK_URL',
      'URL under which your Cog servers can reach the gateway to report finished clips, such as http://gateway:8080. With it, clips go on when the clip generator dies. Needs PROVIDER_WEBHOOK_SECRET. Default: none; the call of each clip is held until its end.',
    ),
    schema: http.optional(),
  },
  cogReportTimeoutMs: setting(
    'COG_REPORT_TIMEOUT',
    seconds(0, 600),
    '60',
    'Time that the report of a clip which no longer runs at its Cog server is awaited, in seconds. Then the clip counts as lost. A server repeats a report that fails for about 7 minutes, in growing steps.',
  ),
  cogReportMaxMb: setting(
    'COG_REPORT_MAX_MB',
    whole(1, 2000),
    '256',
    'Maximum size of a report of a Cog server, with the clip in base64, in MB. A larger clip is lost.',
  ),
  replicateWebhookSecret: {
    ...optional(
      'REPLICATE_WEBHOOK_SECRET',
      'Secret that Replicate signs its webhooks with (whsec_…). Default: none; its webhooks are rejected.',
      true,
    ),
    schema: webhookSecret,
    services: ['gateway'],
  },
  providerWebhookSecret: {
    ...optional(
      'PROVIDER_WEBHOOK_SECRET',
      'Secret of the webhook addresses that name a purchase, as those for fal and Cog servers, at least 32 characters. The gateway and every clip generator need the same. Default: none; fal gets no webhook address.',
      true,
    ),
    schema: z
      .string()
      .regex(/^\S{32,}$/, 'expected 32 characters or more')
      .optional(),
    services: ['clip-generator', 'gateway'],
  },
  falKey: providerToken(
    'fal',
    'FAL_KEY',
    'API key for the video models on fal (id:secret). Default: none; the local stack uses its sandbox.',
  ),
  falBaseUrl: providerUrl('fal', 'FAL_BASE_URL', 'https://queue.fal.run', '/fal', 'Base URL of the queue API of fal.'),
  falSiteUrl: setting(
    'FAL_SITE_URL',
    http,
    'https://fal.ai',
    'Site of fal. `npm run models -- check` reads the input schemas of its endpoints there, without a key.',
  ),
  falCreatesPerMinute: setting(
    'FAL_CREATES_PER_MINUTE',
    whole(1, 100_000),
    '600',
    'Maximum number of requests submitted to fal per minute, across all replicas.',
  ),
  falCallsPerMinute: setting(
    'FAL_CALLS_PER_MINUTE',
    whole(1, 1_000_000),
    '3000',
    'Maximum number of other fal calls per minute, across all replicas.',
  ),
  falCreateSlotMs: setting(
    'FAL_CREATE_SLOT_SECONDS',
    seconds(0.05, 300),
    '1',
    'Requests are submitted to fal one at a time. A submit without an answer blocks the next one for at most this long, in seconds.',
  ),
  falReportTimeoutMs: setting(
    'FAL_REPORT_TIMEOUT',
    seconds(0, 7200),
    '300',
    'Time after the submit within which fal reports a purchase whose answer was lost, in seconds. fal reports at the end of a run, so it must be longer than your clips take, queue included. After it, the purchase is charged as assumed, and bought once more. Needs PUBLIC_URL and PROVIDER_WEBHOOK_SECRET; without them fal reports nothing.',
  ),
  falJwksUrl: {
    ...setting(
      'FAL_JWKS_URL',
      http,
      'https://rest.fal.ai/.well-known/jwks.json',
      'URL of the public keys that fal signs its webhooks with.',
    ),
    provider: 'fal',
    sandboxPath: '/fal/.well-known/jwks.json',
  },
  webhookSecret: {
    ...optional(
      'WEBHOOK_SECRET',
      'Secret from which the webhook secret of each owner is derived (whsec_…). Owners read theirs with GET /v1/webhooks/secret. It signs deliveries to the `webhookUrl` of a create; registered webhooks have their own secrets. Default: none; those deliveries are not signed.',
      true,
    ),
    schema: webhookSecret,
    services: ['gateway'],
  },
  webhookSecretOverlapMs: setting(
    'WEBHOOK_SECRET_OVERLAP_HOURS',
    number(0, 8760, 60 * 60 * 1000),
    '24',
    'Time after a secret rotation during which deliveries are also signed with the previous secret, in hours.',
  ),
  webhooksPerOwner: setting(
    'WEBHOOKS_PER_OWNER',
    whole(0, 100),
    '10',
    'Maximum number of webhooks that one owner may register.',
  ),
  webhookTimeoutMs: setting('WEBHOOK_TIMEOUT', seconds(0.1, 120), '15', 'Timeout of one webhook call, in seconds.'),
  webhookAttempts: setting(
    'WEBHOOK_ATTEMPTS',
    whole(1, 50),
    '12',
    'Maximum number of tries per webhook delivery. After the last one, the delivery becomes a dead letter.',
  ),
  webhookRetryFirstMs: setting(
    'WEBHOOK_RETRY_FIRST_SECONDS',
    seconds(0.01, 3600),
    '5',
    'Delay before the second try of a webhook delivery, in seconds. It doubles with each try.',
  ),
  webhookRetryMaxMs: setting(
    'WEBHOOK_RETRY_MAX_SECONDS',
    seconds(0.01, 86_400),
    '3600',
    'Longest delay between two tries of a webhook delivery, in seconds.',
  ),
  webhookConcurrency: setting(
    'WEBHOOK_CONCURRENCY',
    whole(1, 1000),
    '32',
    'Maximum number of webhook calls that one gateway makes at once.',
  ),
  webhookEndpointConcurrency: setting(
    'WEBHOOK_ENDPOINT_CONCURRENCY',
    whole(1, 1000),
    '2',
    'Maximum number of concurrent calls to one webhook per gateway.',
  ),
  webhookOwnerConcurrency: setting(
    'WEBHOOK_OWNER_CONCURRENCY',
    whole(1, 1000),
    '4',
    'Maximum number of concurrent calls to all webhooks of one owner per gateway. Should be well below WEBHOOK_CONCURRENCY.',
  ),
  webhookOwnerWaiting: setting(
    'WEBHOOK_OWNER_WAITING',
    whole(1, 50_000),
    '1000',
    'Maximum number of deliveries of one owner that wait for a later try per gateway. Further deliveries become dead letters at once.',
  ),
  webhookCircuitFailures: setting(
    'WEBHOOK_CIRCUIT_FAILURES',
    whole(1, 1000),
    '3',
    'Number of consecutive failed calls after which a gateway opens the circuit of a webhook and stops calling it.',
  ),
  webhookCircuitOpenMs: setting(
    'WEBHOOK_CIRCUIT_OPEN_SECONDS',
    seconds(0.01, 86_400),
    '30',
    'Time that the circuit of a webhook stays open, in seconds. Then one delivery probes the webhook. The time doubles with each failed probe.',
  ),
  webhookCircuitMaxMs: setting(
    'WEBHOOK_CIRCUIT_MAX_SECONDS',
    seconds(0.01, 86_400),
    '600',
    'Longest time that the circuit of a webhook stays open, in seconds.',
  ),
  webhookWaitFirstMs: setting(
    'WEBHOOK_WAIT_FIRST_SECONDS',
    seconds(0.01, 3600),
    '0.5',
    'Delay of a delivery while its webhook is at its concurrency limit, in seconds. It doubles with each wait.',
  ),
  webhookWaitMaxMs: setting(
    'WEBHOOK_WAIT_MAX_SECONDS',
    seconds(0.01, 3600),
    '30',
    'Longest delay of a delivery while its webhook is at its concurrency limit, in seconds.',
  ),
  webhookWaitForMs: setting(
    'WEBHOOK_WAIT_HOURS',
    number(0.001, 144, 60 * 60 * 1000),
    '24',
    'Age at which a delivery that still waits for its webhook becomes a dead letter, in hours.',
  ),
  breakerFailures: setting(
    'BREAKER_FAILURES',
    whole(1, 1000),
    '5',
    'Number of consecutive failures of a video model, across all replicas, after which its circuit opens and the next model is used.',
  ),
  breakerOpenMs: setting(
    'BREAKER_OPEN_SECONDS',
    seconds(0.1, 3600),
    '30',
    'Time that the circuit of a video model stays open, in seconds. Then one clip probes the model.',
  ),
  videoModels: setting(
    'VIDEO_MODELS',
    list.refine((models) => models.length > 0, 'expected at least one model'),
    'google/veo-3.1,google/veo-3,pixverse/pixverse-v5,bytedance/seedance-1-lite,minimax/video-01',
    'Video models in fallback order, comma-separated.',
  ),
  modelsFile: optional(
    'MODELS_FILE',
    'JSON file with video models that add to the shipped table, or replace its entries by id. Every service needs the same file. Default: none.',
  ),
  clipCache: setting(
    'CLIP_CACHE',
    flag,
    'true',
    'Reuse clips and plans that were bought before, and buy only once what is requested twice at the same time.',
  ),
  clipCacheScope: setting(
    'CLIP_CACHE_SCOPE',
    z.enum(['owner', 'shared'], 'expected owner or shared'),
    'owner',
    'Who shares cached clips and plans. `owner`: the generations of one owner. `shared`: all generations; owners can then infer from time and price whether another owner made the same request.',
  ),
  cacheTtlMs: setting(
    'CACHE_TTL_DAYS',
    number(0.001, 3650, 24 * 3600 * 1000),
    '30',
    'Time that a cached clip or plan is reused, in days.',
  ),
  cacheMaxBytes: setting(
    'CACHE_MAX_GB',
    number(0.001, 1_000_000, 1e9),
    '10',
    'Maximum total size of cached files, in GB. Beyond it, the least recently used entries are removed.',
  ),
  cacheLeaseMs: setting(
    'CACHE_LEASE_SECONDS',
    seconds(1, 3600),
    '90',
    'Time that other requests wait for a purchase of a dead replica before they buy themselves, in seconds. Must be longer than ACK_WAIT_SECONDS, VIDEO_RETRY_MAX_SECONDS and LLM_RETRY_MAX_SECONDS.',
  ),
  cacheSweepMs: setting(
    'CACHE_SWEEP_SECONDS',
    seconds(0.1, 86_400),
    '300',
    'Interval between sweeps for expired cache entries, in seconds.',
  ),
  openaiApiKey: {
    ...optional(
      'OPENAI_API_KEY',
      'API key of the language model that writes plans. Default: none; plans come from templates, unless OPENAI_BASE_URL is another server, which is then called without a key.',
      true,
    ),
    paid: true,
    services: ['planner', 'speaker'],
  },
  openaiBaseUrl: {
    ...setting(
      'OPENAI_BASE_URL',
      http,
      'https://api.openai.com/v1',
      'Base URL of the language model API: OpenAI or any server with its chat API.',
    ),
    paid: true,
    services: ['planner', 'speaker'],
  },
  openaiStore: setting(
    'OPENAI_STORE',
    flag,
    'true',
    'Ask the language model API to store its answers (OpenAI keeps them for 30 days). If a planner is killed before it receives an answer, the stored answer is found, used and charged once.',
  ),
  openaiModel: setting('OPENAI_MODEL', text, 'gpt-4o-mini', 'Language model that writes plans.'),
  speechProvider: setting(
    'SPEECH_PROVIDER',
    z.enum(['auto', 'openai', 'espeak-ng', 'none'], 'expected auto, openai, espeak-ng or none'),
    'auto',
    'Who speaks. `openai`: OpenAI, or any server with its speech API. `espeak-ng`: the program on this machine, which is free. `none`: nobody. `auto`: `openai` with a key for OpenAI or a SPEECH_BASE_URL, else `espeak-ng` where it is installed, else `none`.',
  ),
  speechApiKey: {
    ...optional(
      'SPEECH_API_KEY',
      'API key of the speech API. Default: OPENAI_API_KEY, if OPENAI_BASE_URL is the same server; else the speech API is called without a key.',
      true,
    ),
    paid: true,
    services: ['speaker'],
  },
  speechBaseUrl: {
    ...optional(
      'SPEECH_BASE_URL',
      'Base URL of the speech API: OpenAI or any server with its speech API. Default: https://api.openai.com/v1.',
    ),
    schema: http.optional(),
    paid: true,
  },
  speechModel: setting('SPEECH_MODEL', text, 'gpt-4o-mini-tts', 'Speech model of the speech API.'),
  speechVoice: optional(
    'SPEECH_VOICE',
    'Voice of requests that name none, in the spelling of the provider. Default: alloy for a speech API; for espeak-ng the voice of the language.',
  ),
  speechInstructions: optional(
    'SPEECH_INSTRUCTIONS',
    'How the speech model should speak, such as: warm and unhurried. The models tts-1 and tts-1-hd ignore it. Default: none.',
  ),
  speechMcharPriceMicros: price(
    'SPEECH_PRICE_USD_PER_MCHAR',
    'Price of one million characters of speech, in US dollars. Use 0 for your own server. Default: the built-in price table for known OpenAI models.',
  ),
  speechMinutePriceMicros: price(
    'SPEECH_PRICE_USD_PER_MINUTE',
    'Price of one minute of speech, in US dollars. Set at most one price. If the price is unknown, speech is recorded as unpriced. Default: the built-in price table for known OpenAI models.',
  ),
  speechTimeoutMs: setting(
    'SPEECH_TIMEOUT',
    seconds(1, 3600),
    '120',
    'Timeout for the speech of one text, in seconds.',
  ),
  speechMaxBytes: setting(
    'SPEECH_MAX_MB',
    number(0.1, 1000, 1e6),
    '50',
    'Maximum size of one speech, in MB. A larger answer of the speech API is refused.',
  ),
  espeakPath: { ...optional('ESPEAK_PATH', 'Path of espeak-ng. Default: espeak-ng from the PATH.'), services: [] },
  logLevel: setting(
    'LOG_LEVEL',
    z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']),
    'info',
    'Lowest level that is logged.',
  ),
  traceStream: setting(
    'TRACE_STREAM',
    flag,
    'true',
    'Store spans in the broker stream TRACES, where the trace analysis reads them.',
  ),
  otelExporterOtlpEndpoint: {
    ...optional(
      'OTEL_EXPORTER_OTLP_ENDPOINT',
      'OTLP/HTTP endpoint that receives a copy of all traces, such as Jaeger. Default: none.',
    ),
    schema: http.optional(),
  },
  otelServiceName: optional(
    'OTEL_SERVICE_NAME',
    'Name of the service in traces. The local stack and compose set it. Default: clipmesh.',
  ),
  otelServiceInstanceId: {
    ...optional(
      'OTEL_SERVICE_INSTANCE_ID',
      'Name of the replica in traces and logs. Default: service name, host name and process id.',
    ),
    services: [],
  },
  sandboxHost: setting('SANDBOX_HOST', text, '127.0.0.1', 'Address that the sandbox listens on.'),
  sandboxPort: setting('SANDBOX_PORT', port, '9090', 'Port of the sandbox.'),
} as const satisfies Record<string, Setting>;
