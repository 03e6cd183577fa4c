import type Replicate from 'replicate';
import { modelInput } from '../models/model.input.js';
import { type SubmitDeps } from '../prediction/prediction.submit.js';
import { type ImageUpload } from './input/image.upload.js';
import { type KeyField } from './input/key.field.js';
import { predictionOf } from './prediction.answer.js';

export interface CreateDeps {
  readonly client: Replicate;
  /** Runs a call of the client. Throws `ClipmeshError`. */
  readonly call: <T>(work: () => Promise<T>) => Promise<T>;
  readonly imageUrl: ImageUpload['urlOf'];
  readonly keyField: KeyField;
  readonly cancelAfterMs: number | undefined;
  readonly webhookBaseUrl: string | undefined;
}

/** The provider accepts no shorter deadline, s. */
const SHORTEST_DEADLINE_S = 5;

/** The input and the create of a purchase at Replicate. */
export function replicateCreates(deps: CreateDeps): Pick<SubmitDeps, 'inputOf' | 'create'> {
  const { client, call, webhookBaseUrl } = deps;
  const headers =
    deps.cancelAfterMs === undefined
      ? {}
      : { 'Cancel-After': `${Math.max(SHORTEST_DEADLINE_S, Math.ceil(deps.cancelAfterMs / 1000))}s` };
  return {
    async inputOf(entry, target, request, signal) {
      const { referenceImage, attemptKey } = request;
      const imageUrl = referenceImage === undefined ? undefined : await deps.imageUrl(referenceImage, signal);
      const field = await deps.keyField(target, signal);
      return {
        ...modelInput(entry, request, imageUrl),
        ...(field === undefined ? {} : { [field]: attemptKey }),
      };
    },
    async create(target, { attemptKey }, input, signal) {
      const webhook =
        webhookBaseUrl === undefined
          ? {}
          : { webhook: webhookUrl(webhookBaseUrl, attemptKey), webhook_events_filter: ['completed'] };
      const [model, version] = target.split(':');
      const options = {
        method: 'POST',
        headers,
        data: { ...(version === undefined ? {} : { version }), input, ...webhook },
        signal,
      };
      const route = version === undefined ? `models/${model}/predictions` : 'predictions';
      const send = async (): Promise<unknown> => (await client.request(route, options)).json();
      return predictionOf(await call(send));
    },
  };
}

function webhookUrl(base: string, key: string): string {
  const url = new URL(base);
  url.searchParams.set('key', key);
  return url.href;
}
