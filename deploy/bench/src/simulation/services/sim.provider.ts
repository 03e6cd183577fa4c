import { SIM_MODELS } from '../../sim.models.js';
import { ClipmeshError } from '@clipmesh/contracts';
import { type ClipFacts } from '@clipmesh/media';
import { clipMicros } from '@clipmesh/billing';
import { type ClipProvider, type ClipRequest, type Operation, type PredictionState } from '@clipmesh/providers';
import { type Process, type World } from '../world.js';

interface Prediction {
  readonly id: string;
  readonly key: string;
  readonly model: string;
  /** The requested clip, without the key of the purchase. */
  readonly request: string;
  readonly seconds: number;
  readonly createdAtMs: number;
  /** In the provider's list from this time on. */
  readonly visibleAtMs: number;
  readonly readyAtMs: number;
  readonly fails: boolean;
  /** Remaining downloads that return bad bytes. */
  badDownloads: number;
  /** Whether the output is refused, but charged. */
  readonly refused: boolean;
  canceled: boolean;
}

/** Probability of each fault, 0-1. */
export interface ProviderFaults {
  rateLimit: number;
  unavailable: number;
  loseReply: number;
  loseRequest: number;
  fail: number;
  refuseOutput: number;
  loseDownload: number;
  badDownload: number;
}

/** Most downloads of a prediction with bad bytes: fewer than the tries of a download. */
const MOST_BAD = 2;

const REFUSED = 'The request failed because the output video may contain sensitive information.';
/** A prediction is in the provider's list within this time, ms. */
export const VISIBLE_WITHIN_MS = 2000;

const urlOf = (id: string): string => `https://x/${id}.mp4`;

function requestText({ model, prompt, seed, durationSeconds, aspectRatio }: ClipRequest): string {
  return JSON.stringify([model, prompt, seed, durationSeconds, aspectRatio]);
}

/** A provider that keeps every prediction, which is its invoice. */
export class SimProvider {
  readonly predictions: Prediction[] = [];
  /** Files with bad bytes. */
  private readonly badFiles = new Set<string>();

  constructor(
    private readonly world: World,
    /** Changed by the schedule, so that faults end at some point. */
    readonly faults: ProviderFaults,
    /** Predictions carry no key, and are found by their request. */
    readonly keyless: boolean,
  ) {}

  of(process: Process): ClipProvider {
    const { world } = this;
    const { random } = world;
    const get = ({ id }: Operation): Promise<PredictionState> =>
      world.effect(process, () => this.state(this.known(id)));
    return {
      // The provider of its models.
      name: 'replicate',
      guarantee: 'never_twice',
      cacheOrigin: 'simulated',
      submit: async (request, signal, beforeSend) => {
        const { model, durationSeconds, attemptKey } = request;
        await world.effect(process, () => {
          signal.throwIfAborted();
        });
        await beforeSend?.();
        return world.effect(process, () => {
          const draw = random.next();
          const { rateLimit, unavailable, loseRequest, loseReply } = this.faults;
          if (draw < rateLimit) throw new ClipmeshError('PROVIDER_RATE_LIMITED', '429', { retryAfterMs: 2000 });
          if (draw < rateLimit + unavailable) throw new ClipmeshError('PROVIDER_UNAVAILABLE', '503');
          if (draw < rateLimit + unavailable + loseRequest) throw new ClipmeshError('PROVIDER_UNAVAILABLE', 'reset');
          const lost = draw < rateLimit + unavailable + loseRequest + loseReply;
          const prediction: Prediction = {
            id: `p${this.predictions.length + 1}`,
            key: attemptKey,
            model,
            request: requestText(request),
            seconds: durationSeconds,
            createdAtMs: world.now,
            visibleAtMs: world.now + (lost ? random.below(VISIBLE_WITHIN_MS) : 0),
            readyAtMs: world.now + 1000 + random.below(60_000),
            fails: random.chance(this.faults.fail),
            badDownloads: random.chance(this.faults.badDownload) ? 1 + random.below(MOST_BAD) : 0,
            refused: random.chance(this.faults.refuseOutput),
            canceled: false,
          };
          this.predictions.push(prediction);
          if (lost) throw new ClipmeshError('PROVIDER_UNAVAILABLE', 'the reply was lost');
          return this.state(prediction);
        });
      },
      get,
      find: async ({ request, since, adopt }) => {
        const found = await world.effect(process, () =>
          this.predictions
            .filter(({ visibleAtMs, createdAtMs }) => visibleAtMs <= world.now && createdAtMs >= since.getTime())
            .filter(({ key, request: text }) =>
              this.keyless ? text === requestText(request) : key === request.attemptKey,
            )
            .map((one) => this.state(one)),
        );
        const state = this.keyless && found.length > 0 ? await adopt(found) : found[0];
        return state === undefined ? { kind: 'absent' } : { kind: 'found', state };
      },
      wait: async (operation, { signal, timeoutMs }) => {
        const endMs = world.now + timeoutMs;
        for (;;) {
          const state = await get(operation);
          if (state.status !== 'processing') return state;
          if (world.now >= endMs) throw new ClipmeshError('PROVIDER_TIMEOUT', `${operation.id} is late`);
          await world.clockOf(process).sleep(Math.min(5000, endMs - world.now), signal);
        }
      },
      cancel: ({ id }) =>
        world.effect(process, () => {
          const prediction = this.known(id);
          if (this.state(prediction).status === 'processing') prediction.canceled = true;
          return this.state(prediction);
        }),
      download: (url, file) =>
        world.effect(process, () => {
          if (random.chance(this.faults.loseDownload)) throw new ClipmeshError('DOWNLOAD_FAILED', 'reset');
          const prediction = this.predictions.find(({ id }) => url === urlOf(id));
          if (prediction !== undefined && prediction.badDownloads > 0) {
            prediction.badDownloads -= 1;
            this.badFiles.add(file);
          }
          return { bytes: 1 };
        }),
    };
  }

  /** Verifies a downloaded file as ffmpeg would. */
  verify(process: Process, file: string): Promise<ClipFacts> {
    return this.world.effect(process, () => {
      if (this.badFiles.has(file)) throw new ClipmeshError('MEDIA_INVALID', 'the file is a web page');
      return { contentType: 'video/mp4', durationSeconds: 5, width: 1280, height: 720 };
    });
  }

  state(prediction: Prediction): PredictionState {
    const { id, canceled, fails, refused, readyAtMs, seconds, createdAtMs } = prediction;
    const startedAt = new Date(createdAtMs).toISOString();
    if (canceled) return { id, status: 'canceled', startedAt };
    if (this.world.now < readyAtMs) return { id, status: 'processing', startedAt };
    if (fails) return { id, status: 'failed', startedAt, error: 'Prediction interrupted; please retry (code: PA)' };
    if (refused) return { id, status: 'failed', startedAt, error: REFUSED, billedSeconds: seconds };
    const billed = { billedSeconds: seconds, billedMicros: this.billMicros(prediction) };
    return { id, status: 'succeeded', startedAt, outputUrl: urlOf(id), ...billed };
  }

  /** Charges for these predictions so far, micro-dollars. */
  invoiceMicros(ids: ReadonlySet<string>): number {
    return this.predictions.filter(({ id }) => ids.has(id)).reduce((sum, one) => sum + this.chargeMicros(one), 0);
  }

  /** Charge for one prediction so far, micro-dollars. */
  chargeMicros(prediction: Prediction): number {
    const { status, billedSeconds } = this.state(prediction);
    if (status === 'succeeded') return this.billMicros(prediction);
    return status === 'canceled' || billedSeconds !== undefined ? this.priceMicros(prediction) : 0;
  }

  private priceMicros({ model, seconds }: Prediction): number {
    const [sku] = SIM_MODELS.get(model)?.skus ?? [];
    return sku === undefined ? 0 : clipMicros(sku, { seconds });
  }

  /** What it bills for a clip that succeeded: one in three is cheaper than in the table, and one in three is dearer. */
  private billMicros(prediction: Prediction): number {
    return this.priceMicros(prediction) + ([0, -7, 5][Number(prediction.id.slice(1)) % 3] ?? 0);
  }

  private known(id: string): Prediction {
    const found = this.predictions.find((one) => one.id === id);
    if (found === undefined) throw new ClipmeshError('PROVIDER_BAD_INPUT', `no prediction ${id}`);
    return found;
  }
}
