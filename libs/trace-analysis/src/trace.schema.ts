import { z } from 'zod';

const integer = z.union([z.string().regex(/^\d+$/, 'must be a whole number'), z.int().nonnegative()]);
const otlpValue = z.object({
  stringValue: z.string().optional(),
  intValue: z.union([z.string(), z.number()]).optional(),
  doubleValue: z.number().optional(),
  boolValue: z.boolean().optional(),
});
const otlpAttributes = z.array(z.object({ key: z.string(), value: otlpValue.default({}) })).default([]);
export type OtlpAttributes = z.infer<typeof otlpAttributes>;

const otlpSpan = z.object({
  traceId: z.string().min(1),
  spanId: z.string().min(1),
  parentSpanId: z.string().optional(),
  name: z.string().default(''),
  kind: z.union([z.number(), z.string()]).default(1),
  startTimeUnixNano: integer,
  endTimeUnixNano: integer,
  attributes: otlpAttributes,
  links: z.array(z.object({ spanId: z.string() })).default([]),
});
/** OTLP JSON: what the stream holds, what a file exporter writes, and what lies in `result` of Jaeger's `/api/v3`. */
export const otlpSchema = z.object({
  resourceSpans: z.array(
    z.object({
      resource: z.object({ attributes: otlpAttributes }).optional(),
      scopeSpans: z.array(z.object({ spans: z.array(otlpSpan).default([]) })).default([]),
    }),
  ),
});

const jaegerSpan = z.object({
  spanID: z.string().min(1),
  operationName: z.string(),
  startTime: integer,
  duration: integer,
  processID: z.string().optional(),
  references: z.array(z.object({ refType: z.string(), spanID: z.string(), traceID: z.string().optional() })).nullish(),
  tags: z.array(z.object({ key: z.string(), value: z.unknown() })).nullish(),
  warnings: z.array(z.string()).nullish(),
});
/** Jaeger's own JSON, `/api/traces`. */
export const jaegerSchema = z.object({
  data: z
    .array(
      z.object({
        traceID: z.string().min(1),
        spans: z.array(jaegerSpan),
        processes: z.record(z.string(), z.object({ serviceName: z.string() })).default({}),
      }),
    )
    .nullable(),
  errors: z.array(z.object({ msg: z.string().optional() })).nullish(),
});
