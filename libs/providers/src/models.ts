import { ClipmeshError } from '@clipmesh/contracts';
import { type ClipRequest } from './clip.request.js';

type Input = Record<string, string | number>;
/** How a model names its inputs; a name that is absent is an input the model does not take. */
interface InputNames {
  readonly duration?: string;
  readonly aspectRatio?: string;
  readonly seed?: string;
}

const ALL = { duration: 'duration', aspectRatio: 'aspect_ratio', seed: 'seed' } as const;

/** The video models' inputs on Replicate. Real models refuse or ignore what they do not know, so nothing else is sent. */
export const MODEL_INPUTS: Readonly<Record<string, InputNames>> = {
  'google/veo-3.1': ALL,
  'google/veo-3': ALL,
  'pixverse/pixverse-v5': ALL,
  'kwaivgi/kling-v2.5-turbo-pro': { duration: 'duration' },
  'minimax/hailuo-02': { duration: 'duration' },
  'bytedance/seedance-1-lite': ALL,
  'minimax/video-01': {},
};

/** The input of one clip as the model wants it. Throws `PROVIDER_BAD_INPUT` for a model that is not in the table. */
export function modelInput(request: ClipRequest): Input {
  const names = MODEL_INPUTS[request.model];
  if (names === undefined) throw new ClipmeshError('PROVIDER_BAD_INPUT', `model ${request.model} is not known`);
  return {
    prompt: request.prompt,
    ...(names.duration === undefined ? {} : { [names.duration]: request.durationSeconds }),
    ...(names.aspectRatio === undefined ? {} : { [names.aspectRatio]: request.aspectRatio }),
    ...(names.seed === undefined ? {} : { [names.seed]: request.seed }),
  };
}
