import { z } from 'zod';
import { type SandboxModel } from '../control/pricing.js';

const SIZES = {
  '16:9': { width: 640, height: 360 },
  '9:16': { width: 360, height: 640 },
  '1:1': { width: 480, height: 480 },
} as const;

export const createSchema = z.object({
  version: z.string().optional(),
  input: z.looseObject({
    prompt: z.string().min(1),
    duration: z.int().min(1).max(60).optional(),
    aspect_ratio: z.enum(['16:9', '9:16', '1:1']).default('16:9'),
    seed: z.int().optional(),
  }),
  webhook: z.url({ protocol: /^https?$/ }).optional(),
  webhook_events_filter: z.array(z.enum(['start', 'output', 'logs', 'completed'])).default(['start', 'completed']),
  metadata: z.record(z.string(), z.unknown()).optional(),
});
export type CreateBody = z.infer<typeof createSchema>;

export function sizeOf(aspectRatio: CreateBody['input']['aspect_ratio']): { width: number; height: number } {
  return SIZES[aspectRatio];
}

/** The seconds that are rendered and billed, or the problem with the requested duration. */
export function secondsOf(
  model: SandboxModel,
  duration: number | undefined,
): { seconds: number } | { problem: string } {
  const seconds = duration ?? model.defaultSeconds;
  return model.durations !== undefined && !model.durations.includes(seconds)
    ? { problem: `- input.duration: duration must be one of the following: ${model.durations.join(', ')}` }
    : { seconds };
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
