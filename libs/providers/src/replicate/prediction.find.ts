import { ClipmeshError } from '@clipmesh/contracts';
import type Replicate from 'replicate';
import { z } from 'zod';
import { type ClipRequest } from '../clip.request.js';
import { type ModelEntries, targetOf } from '../models/model.entry.js';
import { isInputOf } from '../models/model.input.js';
import { type ClipProvider, type PredictionState } from '../ports.js';
import { predictionOf, type WirePrediction, wirePredictionSchema } from './prediction.answer.js';

export interface FindDeps {
  readonly client: Replicate;
  /** Runs a call of the client. Throws `ClipmeshError`. */
  readonly call: <T>(work: () => Promise<T>) => Promise<T>;
  readonly baseUrl: string;
  readonly models: ModelEntries;
  /** Input field that may carry the key. Empty: none. */
  readonly inputKey: string;
}

const MAX_PAGES = 50;
/** The provider's clock may be this far behind ours, ms. */
const CLOCK_SKEW_MS = 5000;
/** The input field of purchases from before the field was a setting. */
const LEGACY_INPUT_KEY = 'clipmesh_key';
const pageSchema = z.object({ next: z.string().nullish(), results: z.array(wirePredictionSchema) });

function keyOf(webhook: string | null | undefined): string | undefined {
  if (!webhook || !URL.canParse(webhook)) return undefined;
  return new URL(webhook).searchParams.get('key') ?? undefined;
}

type Match = 'key' | 'input' | 'removed';

/**
 * Whether a listed prediction may belong to this purchase: `key` when all its keys are the purchase's, `input` when it carries no key
 * and its model and input match the request, `removed` when its model matches and its input is gone.
 */
function matchOf(
  { webhook, input, model, data_removed: isRemoved }: WirePrediction,
  request: ClipRequest,
  { inputKey, models }: Pick<FindDeps, 'inputKey' | 'models'>,
): Match | undefined {
  const keys = [keyOf(webhook), input?.[inputKey], input?.[LEGACY_INPUT_KEY]].filter(
    (key) => typeof key === 'string' && key !== '',
  );
  if (keys.length > 0) return keys.every((key) => key === request.attemptKey) ? 'key' : undefined;
  const entry = models.get(request.model);
  if (entry === undefined) return undefined;
  const [name] = targetOf(entry, request.referenceImage !== undefined).split(':');
  if (model !== name) return undefined;
  if (isRemoved === true) return 'removed';
  return isInputOf(entry, input ?? {}, request) ? 'input' : undefined;
}

/** Creates the `find` of a provider, which searches the provider's list of predictions. */
export function createFinder({ client, call, baseUrl, ...matching }: FindDeps): ClipProvider['find'] {
  const { origin: ownOrigin } = new URL(baseUrl);

  async function page(route: string, signal: AbortSignal): Promise<z.infer<typeof pageSchema>> {
    // A request to another origin would send it the token.
    const { origin } = new URL(route, baseUrl);
    if (origin !== ownOrigin) throw new ClipmeshError('PROVIDER_BAD_ANSWER', `the next page is at ${origin}`);
    const answer: unknown = await call(async (): Promise<unknown> =>
      (await client.request(route, { method: 'GET', signal })).json(),
    );
    const parsed = pageSchema.safeParse(answer);
    if (parsed.success) return parsed.data;
    throw new ClipmeshError('PROVIDER_BAD_ANSWER', 'the list of predictions has an unexpected form', {
      cause: parsed.error,
    });
  }

  return async ({ request, since, adopt }, signal) => {
    const keyless: Record<Exclude<Match, 'key'>, PredictionState[]> = { input: [], removed: [] };
    let route: string | undefined = 'predictions';
    for (let pages = 0; route !== undefined; pages += 1) {
      // An answer of "not found" without reading to the end would lead to a second purchase.
      if (pages === MAX_PAGES) throw new ClipmeshError('PROVIDER_UNAVAILABLE', 'too many predictions to search');
      const { results, next }: z.infer<typeof pageSchema> = await page(route, signal);
      route = next ?? undefined;
      for (const listed of results) {
        if (Date.parse(listed.created_at ?? '') < since.getTime() - CLOCK_SKEW_MS) {
          route = undefined;
          break;
        }
        const match = matchOf(listed, request, matching);
        if (match === 'key') return { kind: 'found', state: predictionOf(listed) };
        if (match !== undefined) keyless[match].unshift(predictionOf(listed));
      }
    }
    // Without its input, a prediction of the model may be the one. Not to find it would buy it twice.
    for (const candidates of [keyless.input, keyless.removed]) {
      const adopted = candidates.length === 0 ? undefined : await adopt(candidates);
      if (adopted !== undefined) return { kind: 'found', state: adopted };
    }
    return { kind: 'absent' };
  };
}
