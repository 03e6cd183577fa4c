import type Replicate from 'replicate';
import { z } from 'zod';
import { logEvent, type ProviderLog } from '../../provider.events.js';

export interface KeyFieldDeps {
  readonly client: Replicate;
  /** Runs a call of the client. Throws `ClipmeshError`. */
  readonly call: <T>(work: () => Promise<T>) => Promise<T>;
  /** Name of the input field. Empty: no key is sent. */
  readonly field: string;
  readonly log: ProviderLog | undefined;
}

/** Resolves with the input field that carries the purchase key; undefined when the model has none. Never rejects. */
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
 * A Cog model fails on an unknown input field, after it was paid for. So the key is sent only to models whose schema has the field.
 * Each schema is read once. If reading fails, the next clip of the model reads it again.
 */
export function createKeyField({ client, call, field, log }: KeyFieldDeps): KeyField {
  const known = new Map<string, boolean>();
  return async (model, signal) => {
    if (field === '') return undefined;
    let has = known.get(model);
    if (has === undefined) {
      try {
        const answer: unknown = await call(async (): Promise<unknown> =>
          (await client.request(`models/${model.split(':')[0]}`, { method: 'GET', signal })).json(),
        );
        const { data } = schemaOf.safeParse(answer);
        has = data !== undefined && field in data.latest_version.openapi_schema.components.schemas.Input.properties;
        known.set(model, has);
        if (!has)
          logEvent(
            log,
            'info',
            'provider.key.unknown',
            { model, field },
            'the model has no input field for the purchase key',
          );
      } catch (error) {
        logEvent(
          log,
          'warn',
          'provider.schema.unread',
          { model, reason: String(error) },
          'the schema of the model could not be read',
        );
      }
    }
    return has === true ? field : undefined;
  };
}
