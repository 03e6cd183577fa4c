import { clipKind } from '@clipmesh/billing';
import { type ClipRequest } from '../clip.request.js';
import { type ModelEntry } from './model.entry.js';

/** The input of a prediction, under the model's own field names. */
export type ModelInput = Readonly<Record<string, string | number | boolean | readonly string[]>>;

const asLength = { number: (seconds: number) => seconds, string: String, seconds: (seconds: number) => `${seconds}s` };

/** The model's input for one clip. `imageUrl` is the provider's URL of the reference image. Only fields of the model are sent. */
export function modelInput({ inputs, ...terms }: ModelEntry, request: ClipRequest, imageUrl?: string): ModelInput {
  const { firstFrame, duration, aspectRatio, resolution, audio, seed } = inputs;
  const kind = clipKind(terms, { seconds: request.durationSeconds, sound: request.clipSound ?? true });
  return {
    ...inputs.fixed,
    [inputs.prompt]: request.prompt,
    ...(firstFrame === undefined || imageUrl === undefined
      ? {}
      : { [firstFrame.field]: firstFrame.list ? [imageUrl] : imageUrl }),
    ...(duration === undefined ? {} : { [duration.field]: asLength[duration.as](request.durationSeconds) }),
    ...(aspectRatio === undefined ||
    !terms.aspectRatios.includes(request.aspectRatio) ||
    (imageUrl !== undefined && !aspectRatio.withImage)
      ? {}
      : { [aspectRatio.field]: aspectRatio.values[request.aspectRatio] ?? request.aspectRatio }),
    ...(resolution === undefined || kind.resolution === undefined ? {} : { [resolution]: kind.resolution }),
    ...(audio === undefined ? {} : { [audio]: kind.audio }),
    ...(seed === undefined ? {} : { [seed.field]: request.seed % (seed.max + 1) }),
  };
}

/**
 * Whether the input of a prediction matches this request. Image URLs are not compared: every upload has a new one. Inputs that the
 * prediction does not name are not compared either: an earlier version may not have sent them.
 */
export function isInputOf(entry: ModelEntry, input: Readonly<Record<string, unknown>>, request: ClipRequest): boolean {
  const image = entry.inputs.firstFrame?.field;
  const hasImage = image !== undefined && (input[image] ?? undefined) !== undefined;
  return (
    hasImage === (request.referenceImage !== undefined) &&
    input[entry.inputs.prompt] === request.prompt &&
    Object.entries(modelInput(entry, request)).every(([name, value]) => (input[name] ?? value) === value)
  );
}
