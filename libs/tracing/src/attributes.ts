/**
 * Every attribute key of ours. Standard keys (HTTP, messaging, gen_ai, process) follow the OpenTelemetry semantic
 * conventions and stand beside them only where the analysis reads them.
 */
export const ATTR = {
  /** Generation the span belongs to. */
  generationId: 'clipmesh.generation.id',
  /** `llm, planning, clip, overlay, stitch, audio, export`: whose work the span's self time is. Inherited by children without one. */
  stage: 'clipmesh.stage',
  /** Zero-based scene index. */
  scene: 'clipmesh.scene.index',
  /** Which command for this step this is: 1, 2, … */
  attempt: 'clipmesh.attempt',
  /** The replica that did the work (its `service.instance.id`), for example `clip-generator.2`. */
  workerId: 'clipmesh.worker.id',
  /** How many messages of this kind one replica handles at once. */
  poolSize: 'clipmesh.pool.size',
  /** When the broker stored the message, ms since the epoch (UTC, from the stream). */
  enqueuedAtMs: 'clipmesh.queue.enqueued_at_ms',
  /** Time between the broker storing the message and the handler's start, ms. */
  queueWaitMs: 'clipmesh.queue.wait_ms',
  /** What a wait waited for: `queue, provider_queue, rate_limit, poll_lag, dispatch, external, retry`. */
  waitClass: 'clipmesh.wait.class',
  /** How the message was settled: `ack, nak, term`. */
  settlement: 'clipmesh.settlement',
  /** What it cost, integer micro-dollars. */
  costMicros: 'clipmesh.cost.micros',
  /** Video model. */
  model: 'clipmesh.model',
  /** The provider's id of a prediction. */
  predictionId: 'clipmesh.prediction.id',
  /** True where a cached clip was used and nothing was bought. */
  cached: 'clipmesh.cached',
  /** Scenes of this generation that may be in flight at once. */
  window: 'clipmesh.window',
  /** True on the director's span that brought a generation to its end. */
  final: 'clipmesh.final',
  /** CPU time of a child process, ms (user + system), where it is known. */
  cpuMs: 'clipmesh.process.cpu_ms',
} as const;
