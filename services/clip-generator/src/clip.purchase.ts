import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type Artifact,
  type Charge,
  ClipFailed,
  ClipGenerated,
  type ClipGenerateBody,
  ClipmeshError,
  message,
  type Outgoing,
  toFailure,
} from '@clipmesh/contracts';
import { type ArtifactStore, type Attempt, type AttemptStore, type Versioned } from '@clipmesh/persistence';
import { clipCostMicros, MODELS } from '@clipmesh/pipeline';
import { type ClipProvider, outcomeOf, type PredictionState } from '@clipmesh/providers';
import { ATTR, type createLogger, withSpan } from '@clipmesh/tracing';

export interface ClipParts {
  readonly provider: ClipProvider;
  readonly attempts: AttemptStore;
  readonly artifacts: ArtifactStore;
  readonly logger: ReturnType<typeof createLogger>;
  readonly tempDir: string;
  /** Longest wait for one prediction, ms. */
  readonly timeoutMs: number;
  readonly isCanceled: (generationId: string) => boolean;
}

const now = (): string => new Date().toISOString();
type Entry = Versioned<Attempt>;

/**
 * One clip, paid at most once per try. The intent is written before the provider is called and the prediction's id right
 * after: a redelivered command finds them and waits for the prediction it has, instead of buying another.
 */
export async function buyClip(parts: ClipParts, body: ClipGenerateBody, signal: AbortSignal): Promise<Outgoing[]> {
  const { provider, attempts } = parts;
  let entry = await openAttempt(parts, body);
  if (
    entry.value.status === 'finished' &&
    entry.value.artifact !== undefined &&
    entry.value.predictionId !== undefined
  ) {
    return [generated(body, entry.value.predictionId, entry.value.artifact, entry.value.charge)];
  }
  return withSpan(
    'clipmesh.clip-generator',
    `predict ${body.model}`,
    { [ATTR.model]: body.model, [ATTR.scene]: body.scene },
    async (span) => {
      try {
        entry = await attach(parts, body, entry, signal);
        const predictionId = entry.value.predictionId ?? '';
        span.setAttribute(ATTR.predictionId, predictionId);
        const state = await provider.wait(predictionId, {
          signal,
          timeoutMs: parts.timeoutMs,
          onLog: (elapsedMs) => {
            parts.logger.info(
              { generationId: body.generationId, scene: body.scene, predictionId, elapsedMs },
              'waiting for the clip',
            );
          },
        });
        const charge = chargeOf(body, state);
        const failure = outcomeOf(state);
        if (failure !== undefined) {
          entry = await attempts.save(
            { ...entry.value, status: state.status === 'canceled' ? 'canceled' : 'failed', updatedAt: now() },
            entry.revision,
          );
          throw new ClipmeshError(failure.code, failure.message, {
            cause: failure,
            retryable: failure.retryable,
            charges: charge === undefined ? [] : [charge],
          });
        }
        const artifact = await collect(parts, state, signal);
        entry = await attempts.save(
          {
            ...entry.value,
            status: 'finished',
            artifact,
            ...(charge === undefined ? {} : { charge }),
            updatedAt: now(),
          },
          entry.revision,
        );
        if (charge !== undefined) span.setAttribute(ATTR.costMicros, charge.amountMicros);
        return [generated(body, predictionId, artifact, charge)];
      } catch (error) {
        const canceled = parts.isCanceled(body.generationId);
        const timedOut =
          error instanceof ClipmeshError && error.code === 'PROVIDER_TIMEOUT' && entry.value.predictionId !== undefined;
        if (!canceled && !timedOut) throw error;
        const charge = await abandon(parts, body, entry);
        if (timedOut && !canceled)
          throw new ClipmeshError('PROVIDER_TIMEOUT', error.message, {
            cause: error,
            charges: charge === undefined ? [] : [charge],
          });
        const reason = new ClipmeshError('CANCELED', 'the generation was canceled', {
          cause: error,
          charges: charge === undefined ? [] : [charge],
        });
        return [
          message(ClipFailed, {
            generationId: body.generationId,
            at: now(),
            charges: [...reason.charges],
            scene: body.scene,
            attempt: body.attempt,
            model: body.model,
            failure: toFailure(reason, { stage: 'clip', scene: body.scene, model: body.model }),
          }),
        ];
      }
    },
  );
}

/** The attempt that is still open for this command, or a fresh one after those that failed. */
async function openAttempt({ attempts }: ClipParts, body: ClipGenerateBody): Promise<Entry> {
  for (let count = 1; ; count += 1) {
    const key = `clip.${body.generationId}.${body.scene}.${body.attempt}.${count}`;
    const found = await attempts.get(key);
    if (found === undefined) {
      const at = now();
      return attempts.create({
        key,
        generationId: body.generationId,
        kind: 'clip',
        status: 'intended',
        model: body.model,
        createdAt: at,
        updatedAt: at,
      });
    }
    if (found.value.status !== 'failed' && found.value.status !== 'canceled') return found;
  }
}

/** Makes sure that the attempt has a prediction: its own, one found at the provider, or a new one. */
async function attach(
  { provider, attempts }: ClipParts,
  body: ClipGenerateBody,
  entry: Entry,
  signal: AbortSignal,
): Promise<Entry> {
  if (entry.value.predictionId !== undefined) return entry;
  const request = {
    model: body.model,
    prompt: body.prompt,
    durationSeconds: body.durationSeconds,
    aspectRatio: body.aspectRatio,
    seed: body.seed,
    attemptKey: entry.value.key,
  };
  const justWritten =
    entry.value.createdAt === entry.value.updatedAt && Date.now() - Date.parse(entry.value.createdAt) < 1000;
  const known = justWritten ? undefined : await provider.find(entry.value.key, new Date(entry.value.createdAt), signal, request);
  const { id } = known ?? (await provider.submit(request, signal));
  return attempts.save({ ...entry.value, status: 'submitted', predictionId: id, updatedAt: now() }, entry.revision);
}

async function collect(
  { provider, artifacts, tempDir }: ClipParts,
  state: PredictionState,
  signal: AbortSignal,
): Promise<Artifact> {
  if (state.outputUrl === undefined)
    throw new ClipmeshError('PROVIDER_BAD_ANSWER', `prediction ${state.id} succeeded without an output`);
  await mkdir(tempDir, { recursive: true });
  const directory = await mkdtemp(join(tempDir, 'clip-'));
  try {
    const file = join(directory, 'clip.mp4');
    await provider.download(state.outputUrl, file, signal);
    return await artifacts.put(file, { contentType: 'video/mp4' });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Stops the provider's work on an attempt; what it had cost by then is returned. */
async function abandon(
  { provider, attempts, logger }: ClipParts,
  body: ClipGenerateBody,
  { value, revision }: Entry,
): Promise<Charge | undefined> {
  if (value.predictionId === undefined) return undefined;
  try {
    await provider.cancel(value.predictionId);
    const state = await provider.get(value.predictionId, AbortSignal.timeout(10_000));
    await attempts.save({ ...value, status: 'canceled', updatedAt: now() }, revision);
    return chargeOf(body, state);
  } catch (error) {
    logger.error(
      { err: error, generationId: body.generationId, predictionId: value.predictionId },
      'the prediction could not be canceled',
    );
    return chargeOf(body, { id: value.predictionId, status: 'canceled', startedAt: now() });
  }
}

/** What the provider charges for a prediction in this state: succeeded, or canceled after it had started. */
export function chargeOf(body: ClipGenerateBody, state: PredictionState): Charge | undefined {
  const charged = state.status === 'succeeded' || (state.status === 'canceled' && state.startedAt !== undefined);
  const model = MODELS[body.model];
  if (!charged || model === undefined) return undefined;
  const seconds = state.billedSeconds ?? body.durationSeconds;
  return {
    key: `prediction:${state.id}`,
    kind: 'clip',
    stage: 'clip',
    provider: 'replicate',
    model: body.model,
    quantity: seconds,
    unit: 'second',
    amountMicros: clipCostMicros(model, seconds),
    scene: body.scene,
    outcome: state.status === 'succeeded' ? 'succeeded' : 'canceled',
  };
}

function generated(body: ClipGenerateBody, predictionId: string, clip: Artifact, charge: Charge | undefined): Outgoing {
  return message(ClipGenerated, {
    generationId: body.generationId,
    at: now(),
    charges: charge === undefined ? [] : [charge],
    scene: body.scene,
    attempt: body.attempt,
    model: body.model,
    predictionId,
    cached: false,
    clip,
  });
}
