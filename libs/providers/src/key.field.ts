import type Replicate from 'replicate';
import { z } from 'zod';
import { note, type ProviderLog } from './provider.events.js';

export interface KeyFieldDeps {
  readonly client: Replicate;
  /** Runs a call of the client; throws `ClipmeshError`. */
  readonly call: <T>(work: () => Promise<T>) => Promise<T>;
  /** Empty: none. */
  readonly field: string;
  readonly log: ProviderLog | undefined;
}

/** The input field of a model that carries the key of a purchase; undefined when it has none. Never rejects. */
export type KeyField = (model: string, signal: AbortSignal) => Promise<string | undefined>;

const schemaOf = z.object({
  latest_version: z.object({
    openapi_schema: z.object({
      components: z.object({
        schemas: z.object({ Input: z.object({ properties: z.record(z.string(), z.unknown()) }) }),
      }),
    }),
  }),
});

/**
 * A model that runs on Cog fails, after it was paid for, on an input field that it does not know. So the field is sent only to
 * models whose schema names it. Each schema is read once; one that cannot be read is asked for again with the next clip.
 */
export function createKeyField({ client, call, field, log }: KeyFieldDeps): KeyField {
  const known = new Map<string, boolean>();
  return async (model, signal) => {
    if (field === '') return undefined;
    let has = known.get(model);
    if (has === undefined) {
      try {
        const answer: unknown = await call(async (): Promise<unknown> =>
          (await client.request(`models/${model}`, { method: 'GET', signal })).json(),
        );
        const { data } = schemaOf.safeParse(answer);
        has = data !== undefined && field in data.latest_version.openapi_schema.components.schemas.Input.properties;
        known.set(model, has);
        if (!has) note(log, 'info', 'provider.key.unknown', { model, field }, 'the model has no input for the key');
      } catch (error) {
        note(log, 'warn', 'provider.schema.unread', { model, reason: String(error) }, 'the schema could not be read');
      }
    }
    return has === true ? field : undefined;
  };
}
