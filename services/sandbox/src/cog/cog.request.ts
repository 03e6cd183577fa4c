import { type Request } from 'express';
import { z } from 'zod';
import { type Input, type ModelRecord } from '../models/model.record.js';

const EVENTS = ['start', 'output', 'logs', 'completed'] as const;

/** The body of a create. */
export const bodySchema = z.object({
  id: z.string().min(1).optional(),
  input: z
    .record(z.string(), z.unknown())
    .nullish()
    .transform((input) => input ?? {}),
  webhook: z.url({ protocol: /^https?$/ }).nullish(),
  webhook_events_filter: z.array(z.enum(EVENTS)).default([...EVENTS]),
});
export type CogBody = z.output<typeof bodySchema>;

/** When a create is answered: at the end of the prediction, or at once. */
export type Reply = 'held' | 'async';
export const replyOf = (request: Request): Reply => (request.get('prefer') === 'respond-async' ? 'async' : 'held');

export const wantsStream = (request: Request): boolean => (request.get('accept') ?? '').includes('text/event-stream');

/** The input without fields that the schema does not have. Cog drops them. */
export const knownInput = ({ Input: { properties } }: ModelRecord, input: Input): Input =>
  Object.fromEntries(Object.entries(input).filter(([name]) => name in properties));
