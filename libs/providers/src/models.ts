import { ClipmeshError } from '@clipmesh/contracts';
import { type ClipRequest } from './clip.request.js';

/** What a prediction is asked with, by the model's own names. */
export type ModelInput = Readonly<Record<string, string | number>>;
/** How a model names its inputs; a name that is absent is an input the model does not take. */
interface InputNames {
  /** The picture that the clip begins from. */
  readonly image: string;
  readonly duration?: string;
  readonly aspectRatio?: string;
  readonly seed?: string;
}

const ALL = { image: 'image', duration: 'duration', aspectRatio: 'aspect_ratio', seed: 'seed' } as const;

/** The video models' inputs on Replicate. Real models refuse or ignore what they do not know, so nothing else is sent. */
export const MODEL_INPUTS: Readonly<Record<string, InputNames>> = {
  'google/veo-3.1': ALL,
  'google/veo-3': ALL,
  'pixverse/pixverse-v5': ALL,
  'kwaivgi/kling-v2.5-turbo-pro': { image: 'start_image', duration: 'duration' },
  'minimax/hailuo-02': { image: 'first_frame_image', duration: 'duration' },
  'bytedance/seedance-1-lite': ALL,
  'minimax/video-01': { image: 'first_frame_image' },
};

function namesOf({ model }: Pick<ClipRequest, 'model'>): InputNames {
  const names = MODEL_INPUTS[model];
  if (names === undefined) throw new ClipmeshError('PROVIDER_BAD_INPUT', `model ${model} is not known`);
  return names;
}

/**
 * The input of one clip as the model wants it; `imageUrl` is where the provider finds the reference image. Throws
 * `PROVIDER_BAD_INPUT` for a model that is not in the table.
 */
export function modelInput(request: ClipRequest, imageUrl?: string): ModelInput {
  const names = namesOf(request);
  return {
    prompt: request.prompt,
    ...(imageUrl === undefined ? {} : { [names.image]: imageUrl }),
    ...(names.duration === undefined ? {} : { [names.duration]: request.durationSeconds }),
    ...(names.aspectRatio === undefined ? {} : { [names.aspectRatio]: request.aspectRatio }),
    ...(names.seed === undefined ? {} : { [names.seed]: request.seed }),
  };
}

/** Whether the input of a prediction asks for the clip of this request. A picture has another URL with every upload. */
export function isInputOf(input: Readonly<Record<string, unknown>>, request: ClipRequest): boolean {
  const hasImage = (input[namesOf(request).image] ?? undefined) !== undefined;
  return (
    hasImage === (request.referenceImage !== undefined) &&
    Object.entries(modelInput(request)).every(([name, value]) => input[name] === value)
  );
}
