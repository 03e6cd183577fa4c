import { z } from 'zod';

/** Pixels of the long side of a clip. A multiple of 2. */
const LONG_SIDE = 640;

export const createSchema = z.object({
  version: z.string().optional(),
  input: z.record(z.string(), z.unknown()),
  webhook: z.url({ protocol: /^https?$/ }).optional(),
  webhook_events_filter: z.array(z.enum(['start', 'output', 'logs', 'completed'])).default(['start', 'completed']),
  metadata: z.record(z.string(), z.unknown()).optional(),
});
export type CreateBody = z.infer<typeof createSchema>;

/** The size of a clip with this aspect ratio, such as `9:16`. Default: 16:9. */
export function sizeOf(aspectRatio: unknown): { width: number; height: number } {
  const [, across, down] = /^(\d+):(\d+)$/.exec(typeof aspectRatio === 'string' ? aspectRatio : '') ?? ['', '16', '9'];
  const [x, y] = [Number(across) || 16, Number(down) || 9];
  const even = (pixels: number): number => Math.max(16, 2 * Math.round(pixels / 2));
  return x >= y
    ? { width: LONG_SIDE, height: even((LONG_SIDE * y) / x) }
    : { width: even((LONG_SIDE * x) / y), height: LONG_SIDE };
}

/** The caller's purchase key: from the webhook's query, the input or the metadata, in that order. */
export function attemptKey({
  webhook,
  input,
  metadata,
}: Pick<CreateBody, 'webhook' | 'input' | 'metadata'>): string | null {
  const fromUrl = webhook === undefined ? null : new URL(webhook).searchParams.get('key');
  const given = [fromUrl, input.clipmesh_key, metadata?.clipmesh_key, metadata?.key];
  return given.find((value): value is string => typeof value === 'string' && value !== '') ?? null;
}

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
