import { ClipmeshError } from '@clipmesh/contracts';
import { type ClipRequest } from '../../clip.request.js';

/** The input of a prediction, under the model's own field names. */
export type ModelInput = Readonly<Record<string, string | number>>;
/** A model's names for its inputs. The model does not accept an input whose name is absent. */
interface InputNames {
  /** The first frame of the clip. */
  readonly image: string;
  readonly duration?: string;
  readonly aspectRatio?: string;
  readonly seed?: string;
}

const ALL = { image: 'image', duration: 'duration', aspectRatio: 'aspect_ratio', seed: 'seed' } as const;

/** The inputs of the video models on Replicate. No other fields are sent: real models refuse or ignore unknown ones. */
const MODEL_INPUTS: Readonly<Record<string, InputNames>> = {
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
  if (names === undefined) throw new ClipmeshError('PROVIDER_BAD_INPUT', `model ${model} is unknown`);
  return names;
}

/**
 * The model's input for one clip. `imageUrl` is the provider's URL of the reference image. Throws `PROVIDER_BAD_INPUT` for an
 * unknown model.
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

/** Whether the input of a prediction matches this request. Image URLs are not compared: every upload has a new one. */
export function isInputOf(input: Readonly<Record<string, unknown>>, request: ClipRequest): boolean {
  const hasImage = (input[namesOf(request).image] ?? undefined) !== undefined;
  return (
    hasImage === (request.referenceImage !== undefined) &&
    Object.entries(modelInput(request)).every(([name, value]) => input[name] === value)
  );
}
