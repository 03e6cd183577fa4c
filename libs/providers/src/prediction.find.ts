import { ClipmeshError } from '@clipmesh/contracts';
import type Replicate from 'replicate';
import { z } from 'zod';
import { type ClipRequest } from './clip.request.js';
import { isInputOf } from './models.js';
import { type ClipProvider, type PredictionState } from './ports.js';
import { predictionOf, type WirePrediction, wirePredictionSchema } from './prediction.state.js';

export interface FindDeps {
  readonly client: Replicate;
  /** Runs a call of the client; throws `ClipmeshError`. */
  readonly call: <T>(work: () => Promise<T>) => Promise<T>;
  readonly baseUrl: string;
  /** Input field that may carry the key; empty: none. */
  readonly inputKey: string;
}

const MAX_PAGES = 50;
/** How far the provider's clock may be behind ours, ms. */
const CLOCK_SKEW_MS = 5000;
/** The field of purchases that were made before it was a setting. */
const FORMER_INPUT_KEY = 'clipmesh_key';
const pageSchema = z.object({ next: z.string().nullish(), results: z.array(wirePredictionSchema) });

function keyOf(webhook: string | null | undefined): string | undefined {
  if (!webhook || !URL.canParse(webhook)) return undefined;
  return new URL(webhook).searchParams.get('key') ?? undefined;
}

/**
 * Whether a listed prediction may be of this purchase: by the keys it carries, which all have to be the purchase's, or, of one
 * that carries none, by its model and by everything that was asked for.
 */
export function matchOf(listed: WirePrediction, request: ClipRequest, inputKey: string): 'key' | 'input' | undefined {
  const { webhook, input, model } = listed;
  const keys = [keyOf(webhook), input?.[inputKey], input?.[FORMER_INPUT_KEY]].filter(
    (key) => typeof key === 'string' && key !== '',
  );
  if (keys.length > 0) return keys.every((key) => key === request.attemptKey) ? 'key' : undefined;
  return model === request.model && isInputOf(input ?? {}, request) ? 'input' : undefined;
}

/** Looks for purchases in the provider's list. */
export function createFinder({ client, call, baseUrl, inputKey }: FindDeps): ClipProvider['find'] {
  const { origin: ownOrigin } = new URL(baseUrl);

  async function page(route: string, signal: AbortSignal): Promise<z.infer<typeof pageSchema>> {
    // A page of another origin would be given the token.
    const { origin } = new URL(route, baseUrl);
    if (origin !== ownOrigin) throw new ClipmeshError('PROVIDER_BAD_ANSWER', `the next page is at ${origin}`);
    const answer: unknown = await call(async (): Promise<unknown> =>
      (await client.request(route, { method: 'GET', signal })).json(),
    );
    const parsed = pageSchema.safeParse(answer);
    if (parsed.success) return parsed.data;
    throw new ClipmeshError('PROVIDER_BAD_ANSWER', 'the list of predictions is not readable', { cause: parsed.error });
  }

  return async ({ request, since, adopt }, signal) => {
    const keyless: PredictionState[] = [];
    let route: string | undefined = 'predictions';
    for (let pages = 0; route !== undefined; pages += 1) {
      // To answer "not there" without having looked to the end would buy it again.
      if (pages === MAX_PAGES) throw new ClipmeshError('PROVIDER_UNAVAILABLE', 'too many predictions to look through');
      const { results, next }: z.infer<typeof pageSchema> = await page(route, signal);
      route = next ?? undefined;
      for (const listed of results) {
        if (Date.parse(listed.created_at ?? '') < since.getTime() - CLOCK_SKEW_MS) {
          route = undefined;
          break;
        }
        const match = matchOf(listed, request, inputKey);
        if (match === 'key') return predictionOf(listed);
        if (match === 'input') keyless.unshift(predictionOf(listed));
      }
    }
    return keyless.length === 0 ? undefined : adopt(keyless);
  };
}
