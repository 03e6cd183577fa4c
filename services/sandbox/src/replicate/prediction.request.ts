import { z } from 'zod';

export const createSchema = z.object({
  version: z.string().optional(),
  input: z.record(z.string(), z.unknown()),
  webhook: z.url({ protocol: /^https?$/ }).optional(),
  webhook_events_filter: z.array(z.enum(['start', 'output', 'logs', 'completed'])).default(['start', 'completed']),
  metadata: z.record(z.string(), z.unknown()).optional(),
});
export type CreateBody = z.infer<typeof createSchema>;

/** Parses `Cancel-After`, such as `90`, `30s`, `5m` or `1h30m`, to ms. Undefined when it is invalid. */
export function parseCancelAfterMs(header: string): number | undefined {
  const match = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s?)?$/.exec(header.trim());
  if (match === null || header.trim() === '') return undefined;
  const [hours, minutes, seconds] = match.slice(1).map((part: string | undefined) => Number(part ?? 0));
  return ((hours ?? 0) * 3600 + (minutes ?? 0) * 60 + (seconds ?? 0)) * 1000;
}

/** Parses `Prefer: wait` or `wait=n` to the ms that the response may wait, at most 60,000. Default: 0. */
export function parsePreferMs(header: string | undefined): number {
  const match = /(?:^|,)\s*wait(?:=(\d+))?/.exec(header ?? '');
  return match === null ? 0 : Math.min(60, Number(match[1] ?? 60)) * 1000;
}
