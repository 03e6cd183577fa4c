import { randomInt } from 'node:crypto';
import { clipSecondsFor, outputFormFor } from '../control/scenario.rules.js';
import { type ScenarioStore } from '../control/scenario.store.js';
import { type ImageFile, type UploadStore } from '../files/upload.store.js';
import { firstFrameOf, hasPrice, secondsOf, versionOf } from '../models/model.record.js';
import { clipHash } from './clip.cache.js';
import { sizeOf } from './clip.size.js';
import { failureFor, type PredictionFailure } from './prediction.failure.js';
import { type Prediction } from './prediction.lifecycle.js';
import { type PredictionRunner, type RunOptions } from './prediction.runner.js';

export interface CreatorContext {
  readonly runner: PredictionRunner;
  readonly scenarios: ScenarioStore;
  readonly uploads: UploadStore;
}

/** An admitted create of a provider. */
export type Order = Pick<
  Prediction,
  'id' | 'provider' | 'model' | 'input' | 'key' | 'webhook' | 'webhookEvents' | 'outputForm'
> &
  Pick<RunOptions, 'report' | 'cancelAfterMs'> & {
    /** Whether the provider has no queue. Default: false. */
    readonly startsAtOnce?: boolean;
    /** A failure that the provider finds before the model runs. Default: none. */
    readonly failure?: PredictionFailure;
  };

const UNPRICED: PredictionFailure = { kind: 'other', text: 'The sandbox knows no price of this input.' };

/** Starts a prediction as the scenario says. `losesReply`: the caller must get no response. */
export async function startPrediction(
  { runner, scenarios, uploads }: CreatorContext,
  { report, cancelAfterMs, failure: early, startsAtOnce = false, ...order }: Order,
): Promise<{ prediction: Prediction; losesReply: boolean }> {
  const { model, input } = order;
  const seconds = secondsOf(model, input);
  const prompt = typeof input['prompt'] === 'string' ? input['prompt'] : '';
  const image = firstFrameOf(model);
  const named = image === undefined ? undefined : input[image];
  const found: ImageFile | { problem: string } | undefined =
    named === undefined ? undefined : await uploads.imageOf(named);
  const { index, fails, losesReply, heldUntil } = scenarios.takePrediction();
  const { scenario } = scenarios;
  const spec = {
    seed: typeof input['seed'] === 'number' ? input['seed'] : randomInt(2 ** 31),
    prompt,
    seconds,
    ...sizeOf(input['aspect_ratio']),
    ...(found === undefined || 'problem' in found ? {} : { image: found }),
  };
  const outputRefused = scenarios.refusesOutput(prompt);
  const problem = found !== undefined && 'problem' in found ? found.problem : undefined;
  const failure =
    early ??
    failureFor(scenario, { input, model, fails, outputRefused, problem }) ??
    (hasPrice(model, input) ? undefined : UNPRICED);
  const outputForm = outputFormFor(scenario, index);
  const prediction: Prediction = {
    ...order,
    version: versionOf(model),
    seconds,
    status: 'starting',
    createdAt: Date.now(),
    startedAt: null,
    completedAt: null,
    failure: null,
    ...(outputForm === undefined ? {} : { outputForm }),
  };
  runner.start(prediction, {
    spec,
    queueMs: startsAtOnce ? 0 : (scenario.queueSeconds ?? 0) * 1000,
    clipMs: clipSecondsFor(scenario, index, clipHash(spec)) * 1000,
    report,
    ...(heldUntil === undefined ? {} : { heldUntil }),
    ...(failure === undefined ? {} : { failure }),
    ...(cancelAfterMs === undefined ? {} : { cancelAfterMs }),
  });
  return { prediction, losesReply };
}
