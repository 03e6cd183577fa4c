import { z } from 'zod';
import { InvoiceError } from './invoice.error.js';
import { type InvoiceLine } from './reconcile.js';

const DAY = /^\d{4}-\d{2}-\d{2}(?=$|[T ])/;
const MICROS = 1_000_000;

/** The invoice of the sandbox, `/sandbox/invoice`. */
const chargedSchema = z.looseObject({
  id: z.string().min(1),
  model: z.string(),
  amountUsd: z.number(),
  createdAt: z.string().nullish(),
  provider: z.string().optional(),
});
const sandboxSchema = z.looseObject({
  predictions: z.array(chargedSchema),
  completions: z.array(chargedSchema).default([]),
  speech: z.array(chargedSchema).default([]),
});

/** Pages of fal's billing events, `GET https://api.fal.ai/v1/models/billing-events`. */
const falPages = z
  .union([z.looseObject({ billing_events: z.unknown() }).transform((page) => [page]), z.array(z.unknown()).min(1)])
  .pipe(
    z.array(
      z.looseObject({
        billing_events: z.array(
          z.looseObject({
            request_id: z.string().min(1),
            endpoint_id: z.string(),
            timestamp: z.string(),
            /** After discounts, US dollars. Absent in older answers. */
            cost_total: z.number().nullish(),
            /** The same in billionths of a US dollar. */
            cost_estimate_nano_usd: z.number().nullish(),
          }),
        ),
        has_more: z.boolean().default(false),
      }),
    ),
  );

/** The provider of the completions and the speech in the sandbox's invoice. */
const TEXT_PROVIDER = 'openai';

const line = (id: string, model: string, usd: number, time: string | null | undefined): InvoiceLine => {
  const day = DAY.exec(time ?? '')?.[0];
  return { id, model, amountMicros: Math.round(usd * MICROS), ...(day === undefined ? {} : { day }) };
};

/**
 * The lines of an invoice in JSON: the sandbox's `/sandbox/invoice`, or fal's billing events, one page or a list of all pages. Throws
 * {@link InvoiceError}.
 */
export function jsonLines(text: string, provider: string): InvoiceLine[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new InvoiceError('the invoice is not valid JSON', { cause });
  }
  const fal = falPages.safeParse(json);
  if (fal.success) return falLines(fal.data);
  const sandbox = sandboxSchema.safeParse(json);
  if (sandbox.success) return sandboxLines(sandbox.data, provider);
  throw new InvoiceError(
    "the invoice has neither the form of the sandbox's /sandbox/invoice nor that of fal's billing events",
  );
}

function falLines(pages: z.output<typeof falPages>): InvoiceLine[] {
  if (pages.at(-1)?.has_more === true)
    throw new InvoiceError('the last page of the billing events says that there are more: add them all');
  return pages
    .flatMap(({ billing_events: events }) => events)
    .map(({ request_id, endpoint_id, timestamp, cost_total, cost_estimate_nano_usd: nanos }) => {
      const usd = cost_total ?? (typeof nanos === 'number' ? nanos / 1e9 : undefined);
      if (usd === undefined) throw new InvoiceError(`the billing event of request ${request_id} has no cost`);
      return line(request_id, endpoint_id, usd, timestamp);
    });
}

function sandboxLines(
  { predictions, completions, speech }: z.output<typeof sandboxSchema>,
  provider: string,
): InvoiceLine[] {
  const charged =
    provider === TEXT_PROVIDER
      ? [...completions, ...speech]
      : predictions.filter((one) => (one.provider ?? provider) === provider);
  return charged.map(({ id, model, amountUsd, createdAt }) => line(id, model, amountUsd, createdAt));
}
