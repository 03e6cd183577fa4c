import { ClipmeshError } from '@clipmesh/contracts';
import { type ClipFacts } from '@clipmesh/media';
import { clipCostMicros, MODELS } from '@clipmesh/pipeline';
import { type ClipProvider, type ClipRequest, type PredictionState } from '@clipmesh/providers';
import { type Process, type World } from './world.js';

interface Prediction {
  readonly id: string;
  readonly key: string;
  readonly model: string;
  /** What was asked for, whoever asked. */
  readonly wish: string;
  readonly seconds: number;
  readonly createdAtMs: number;
  /** Listed from then on. */
  readonly visibleAtMs: number;
  readonly readyAtMs: number;
  readonly fails: boolean;
  /** Downloads that are still to give bytes of which no clip can be made. */
  badDownloads: number;
  /** Whether its output is refused, and charged. */
  readonly refused: boolean;
  canceled: boolean;
}

/** How likely each trouble of a create is, 0-1; the rest goes well. */
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

/** A prediction gives bad bytes this often at most: fewer times than its output is downloaded. */
const MOST_BAD = 2;

const REFUSED = 'The request failed because the output video may contain sensitive information.';
/** A purchase shows up in the provider's list within this time, ms. */
export const VISIBLE_WITHIN_MS = 2000;

const urlOf = (id: string): string => `https://x/${id}.mp4`;

function wishOf({ attemptKey: _key, ...wish }: ClipRequest): string {
  return JSON.stringify([wish.model, wish.prompt, wish.seed, wish.durationSeconds, wish.aspectRatio]);
}

/** A provider that keeps every prediction it was ever asked for: the invoice. */
export class SimProvider {
  readonly predictions: Prediction[] = [];
  /** Files with bad bytes in them. */
  private readonly badFiles = new Set<string>();

  constructor(
    private readonly world: World,
    /** Changed by the schedule: faults end at some point. */
    readonly faults: ProviderFaults,
    /** Whether a prediction carries no key: then it is found by what was asked for. */
    readonly keyless: boolean,
  ) {}

  of(process: Process): ClipProvider {
    const { world } = this;
    const { random } = world;
    const get = (id: string): Promise<PredictionState> => world.effect(process, () => this.state(this.known(id)));
    return {
      name: 'simulated',
      submit: async (request, signal, beforeSend) => {
        const { model, durationSeconds, attemptKey } = request;
        await world.effect(process, () => {
          signal.throwIfAborted();
        });
        await beforeSend?.();
        return world.effect(process, () => {
          const trouble = random.next();
          const { rateLimit, unavailable, loseRequest, loseReply } = this.faults;
          if (trouble < rateLimit) throw new ClipmeshError('PROVIDER_RATE_LIMITED', '429', { retryAfterMs: 2000 });
          if (trouble < rateLimit + unavailable) throw new ClipmeshError('PROVIDER_UNAVAILABLE', '503');
          if (trouble < rateLimit + unavailable + loseRequest) throw new ClipmeshError('PROVIDER_UNAVAILABLE', 'reset');
          const lost = trouble < rateLimit + unavailable + loseRequest + loseReply;
          const prediction: Prediction = {
            id: `p${this.predictions.length + 1}`,
            key: attemptKey,
            model,
            wish: wishOf(request),
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
            .filter(({ key, wish }) => (this.keyless ? wish === wishOf(request) : key === request.attemptKey))
            .map((one) => this.state(one)),
        );
        return this.keyless && found.length > 0 ? adopt(found) : found[0];
      },
      wait: async (id, { signal, timeoutMs }) => {
        const endMs = world.now + timeoutMs;
        for (;;) {
          const state = await get(id);
          if (state.status !== 'processing') return state;
          if (world.now >= endMs) throw new ClipmeshError('PROVIDER_TIMEOUT', `${id} is late`);
          await world.clockOf(process).sleep(Math.min(5000, endMs - world.now), signal);
        }
      },
      cancel: (id) =>
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

  /** What ffmpeg would say of a downloaded file. */
  verify(process: Process, file: string): Promise<ClipFacts> {
    return this.world.effect(process, () => {
      if (this.badFiles.has(file)) throw new ClipmeshError('MEDIA_INVALID', 'it is a page');
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
    return { id, status: 'succeeded', startedAt, outputUrl: urlOf(id), billedSeconds: seconds };
  }

  /** What the provider charges for these predictions so far, micro-dollars. */
  invoiceMicros(ids: ReadonlySet<string>): number {
    return this.predictions.filter(({ id }) => ids.has(id)).reduce((sum, one) => sum + this.chargeMicros(one), 0);
  }

  /** What the provider charges for one prediction so far, micro-dollars. */
  chargeMicros(prediction: Prediction): number {
    const { status, billedSeconds } = this.state(prediction);
    const model = MODELS[prediction.model];
    const charged = status === 'succeeded' || status === 'canceled' || billedSeconds !== undefined;
    return charged && model !== undefined ? clipCostMicros(model, prediction.seconds) : 0;
  }

  private known(id: string): Prediction {
    const found = this.predictions.find((one) => one.id === id);
    if (found === undefined) throw new ClipmeshError('PROVIDER_BAD_INPUT', `no prediction ${id}`);
    return found;
  }
}
