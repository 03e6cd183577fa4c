import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { type CreateGenerationInput, SCENE_STATUSES } from '@clipmesh/contracts';
import { EventSourceParserStream } from 'eventsource-parser/stream';
import { z } from 'zod';

const CALL_MS = 30_000;
const DOWNLOAD_MS = 300_000;
const FINAL = new Set(['generation.succeeded', 'generation.failed', 'generation.canceled']);

const problemSchema = z.object({ detail: z.string(), code: z.string() });
const createdSchema = z.object({ id: z.string() });
const progressSchema = z.object({
  status: z.string(),
  stage: z.string(),
  progress: z.number(),
  scenes: z.array(z.object({ index: z.number(), status: z.enum(SCENE_STATUSES) })),
  costMicros: z.number(),
});
export type Progress = z.infer<typeof progressSchema>;
const generationSchema = z.object({
  status: z.string(),
  error: z.object({ code: z.string(), message: z.string() }).optional(),
  costUsd: z.number(),
});
export type GenerationView = z.infer<typeof generationSchema>;
const costSchema = z.object({
  totalUsd: z.number(),
  entries: z.array(z.object({ stage: z.string(), provider: z.string(), model: z.string(), amountUsd: z.number() })),
});
const modelsSchema = z.object({ models: z.array(z.object({ id: z.string(), pricesAsOf: z.string() })) });
export interface Cost extends z.infer<typeof costSchema> {
  /** The oldest day on which a price of the video models that were paid was checked. Undefined: none was paid. */
  readonly pricesAsOf: string | undefined;
}

/** HTTP client of the gateway. Every call has a timeout. */
export class GatewayClient {
  constructor(
    private readonly origin: string,
    private readonly signal: AbortSignal,
  ) {}

  async create(request: CreateGenerationInput): Promise<string> {
    const response = await this.call('', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(request),
    });
    return createdSchema.parse(await response.json()).id;
  }

  async read(id: string): Promise<GenerationView> {
    return generationSchema.parse(await (await this.call(`/${id}`)).json());
  }

  async cost(id: string): Promise<Cost> {
    const { totalUsd, entries } = costSchema.parse(await (await this.call(`/${id}/cost`)).json());
    const { models } = modelsSchema.parse(await (await this.request('/v1/models')).json());
    const paid = new Set(entries.map(({ model }) => model));
    const days = models.filter((model) => paid.has(model.id)).map(({ pricesAsOf }) => pricesAsOf);
    return { totalUsd, entries, pricesAsOf: days.sort()[0] };
  }

  async performance(id: string): Promise<unknown> {
    return (await this.call(`/${id}/performance`)).json();
  }

  /** Cancels a generation. Also works after the client's own signal was aborted, which is when it is needed. */
  async cancel(id: string, timeoutMs: number): Promise<void> {
    await this.call(`/${id}/cancel`, { method: 'POST' }, AbortSignal.timeout(timeoutMs));
  }

  /** Downloads the video. The file gets its name only when it is complete. */
  async download(id: string, file: string): Promise<void> {
    const part = `${file}.part`;
    await mkdir(dirname(file), { recursive: true });
    const limit = AbortSignal.any([this.signal, AbortSignal.timeout(DOWNLOAD_MS)]);
    try {
      const { body } = await this.call(`/${id}/video`, {}, limit);
      if (body === null) throw new Error('the gateway sent no video');
      await pipeline(Readable.fromWeb(body), createWriteStream(part), { signal: limit });
      await rename(part, file);
    } finally {
      await rm(part, { force: true });
    }
  }

  /** Follows a generation to its end, or to its finished draft, and reconnects after lost connections. Rejects after `deadlineMs`. */
  async follow(id: string, deadlineMs: number, onProgress: (progress: Progress) => void): Promise<void> {
    const deadline = AbortSignal.timeout(deadlineMs);
    const limit = AbortSignal.any([this.signal, deadline]);
    let lastId: string | undefined;
    while (!limit.aborted) {
      try {
        const init = lastId === undefined ? {} : { headers: { 'last-event-id': lastId } };
        const { body, status } = await this.call(`/${id}/events`, init, limit);
        // The generation has ended, and its last event was received or is no longer kept.
        if (status === 204) return;
        if (body !== null) {
          const events = body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream());
          for await (const { id: eventId, event = '', data } of events) {
            lastId = eventId ?? lastId;
            const isFinal = FINAL.has(event);
            if (!isFinal && event !== 'generation.progressed') continue;
            const progress = progressSchema.parse(JSON.parse(data));
            onProgress(progress);
            if (isFinal || progress.status === 'awaiting_approval') return;
          }
        }
      } catch (error) {
        if (error instanceof z.ZodError) throw error;
      }
      await sleep(500, undefined, { signal: limit }).catch(() => undefined);
    }
    this.signal.throwIfAborted();
    throw new Error(`the video was not finished after ${Math.round(deadlineMs / 60_000)} minutes`);
  }

  private call(path: string, init?: RequestInit, signal?: AbortSignal): Promise<Response> {
    return this.request(`/v1/generations${path}`, init, signal);
  }

  private async request(
    path: string,
    init: RequestInit = {},
    signal: AbortSignal = AbortSignal.any([this.signal, AbortSignal.timeout(CALL_MS)]),
  ): Promise<Response> {
    const response = await fetch(`${this.origin}${path}`, { ...init, signal });
    if (response.ok) return response;
    const problem = problemSchema.safeParse(await response.json().catch(() => undefined));
    throw new Error(
      problem.success
        ? `${problem.data.code}: ${problem.data.detail}`
        : `the gateway answered with status ${response.status}`,
    );
  }
}
