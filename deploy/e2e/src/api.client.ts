import { type CreateGenerationInput, planSchema } from '@clipmesh/contracts';
import { createParser } from 'eventsource-parser';
import { z } from 'zod';
import { eventually } from './eventually.js';

const CALL_MS = 120_000;
const FINAL = ['succeeded', 'failed', 'canceled'];

const generationSchema = z.looseObject({
  id: z.string(),
  status: z.string(),
  progress: z.number(),
  traceId: z.string().regex(/^[0-9a-f]{32}$/),
  costUsd: z.number(),
  plan: planSchema.optional(),
  error: z.looseObject({ code: z.string(), message: z.string() }).optional(),
  scenes: z.array(
    z.looseObject({ index: z.int(), status: z.string(), cached: z.boolean(), predictionId: z.string().optional() }),
  ),
  result: z
    .object({
      ...{ durationSeconds: z.number(), width: z.int(), height: z.int(), bytes: z.int(), sha256: z.string() },
      draft: z.literal(true).optional(),
    })
    .optional(),
});
export type Generation = z.infer<typeof generationSchema>;

const costSchema = z.object({
  totalUsd: z.number(),
  entries: z.array(z.looseObject({ key: z.string(), amountUsd: z.number() })),
});
const reportSchema = z.looseObject({ makespanMs: z.number(), workMs: z.number(), speedup: z.number() });
const invoiceSchema = z.object({
  predictions: z.array(
    z.looseObject({ id: z.string(), key: z.string().nullable(), status: z.string(), amountUsd: z.number() }),
  ),
  completions: z.array(z.looseObject({ id: z.string(), amountUsd: z.number() })),
  totalUsd: z.number(),
});
export type Invoice = z.infer<typeof invoiceSchema>;

export interface SentEvent {
  readonly id: number;
  readonly name: string;
  readonly data: Readonly<Record<string, unknown>>;
}

function parseEvents(text: string): SentEvent[] {
  const events: SentEvent[] = [];
  const parser = createParser({
    onEvent: ({ id, event = '', data }) =>
      events.push({ id: Number(id), name: event, data: JSON.parse(data) as SentEvent['data'] }),
  });
  parser.feed(text);
  return events;
}

/**
 * Sends a GET once more when its connection was reset: the server may have closed an idle connection just before its use.
 */
async function get(url: string, init: RequestInit = {}): Promise<Response> {
  const ask = (): Promise<Response> => fetch(url, { ...init, signal: init.signal ?? AbortSignal.timeout(CALL_MS) });
  try {
    return await ask();
  } catch (error) {
    const { code } = (error as { cause?: { code?: string } }).cause ?? {};
    if (code !== 'ECONNRESET' && code !== 'UND_ERR_SOCKET') throw error;
    return ask();
  }
}

/** HTTP client of the gateway. Every call has a timeout. */
export class ApiClient {
  constructor(private readonly origin: string) {}

  call(path: string, init: RequestInit = {}, timeoutMs = CALL_MS): Promise<Response> {
    const call = init.method === undefined || init.method === 'GET' ? get : fetch;
    return call(`${this.origin}${path}`, { ...init, signal: AbortSignal.timeout(timeoutMs) });
  }

  post(path: string, body: unknown): Promise<Response> {
    return this.call(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  }

  /** Creates a generation. Default: without the cache. */
  async create(request: CreateGenerationInput): Promise<string> {
    const response = await this.post('/v1/generations', { cache: false, ...request });
    if (response.status !== 202) throw new Error(`create answered ${response.status}: ${await response.text()}`);
    return z.object({ id: z.string() }).parse(await response.json()).id;
  }

  async read(id: string): Promise<Generation> {
    return generationSchema.parse(await (await this.call(`/v1/generations/${id}`)).json());
  }

  async list(): Promise<string[]> {
    const schema = z.object({ generations: z.array(z.object({ id: z.string() })) });
    return schema.parse(await (await this.call('/v1/generations')).json()).generations.map(({ id }) => id);
  }

  /** Waits until the generation has ended, with any status. */
  ended(id: string, timeoutMs: number): Promise<Generation> {
    return eventually(`the end of ${id}`, timeoutMs, async () => {
      const generation = await this.read(id);
      return FINAL.includes(generation.status) ? generation : undefined;
    });
  }

  /** Waits until the generation has succeeded. Throws its error when it ended otherwise. */
  async succeeded(id: string, timeoutMs: number): Promise<Generation> {
    const generation = await this.ended(id, timeoutMs);
    if (generation.status !== 'succeeded')
      throw new Error(`${id} ${generation.status}: ${JSON.stringify(generation.error)}`);
    return generation;
  }

  /** All events after `lastEventId` to the last one. Default: from the first. */
  async events(id: string, timeoutMs: number, lastEventId?: number): Promise<SentEvent[]> {
    const headers: Record<string, string> = lastEventId === undefined ? {} : { 'last-event-id': String(lastEventId) };
    const response = await this.call(`/v1/generations/${id}/events`, { headers }, timeoutMs);
    if (!response.ok) throw new Error(`events answered ${response.status}`);
    return parseEvents(await response.text());
  }

  async cost(id: string): Promise<z.infer<typeof costSchema>> {
    return costSchema.parse(await (await this.call(`/v1/generations/${id}/cost`)).json());
  }

  /** The main figures of the report are validated; other fields are kept unchanged. */
  async performance(id: string): Promise<z.infer<typeof reportSchema>> {
    return reportSchema.parse(await (await this.call(`/v1/generations/${id}/performance`)).json());
  }

  async bytes(path: string): Promise<Buffer> {
    const response = await this.call(path);
    if (!response.ok) throw new Error(`${path} answered ${response.status}`);
    return Buffer.from(await response.arrayBuffer());
  }
}

/** Client of the sandbox's control routes and files. */
export class SandboxClient {
  constructor(private readonly origin: string) {}

  async scenario(scenario: Readonly<Record<string, unknown>>): Promise<void> {
    const response = await fetch(`${this.origin}/sandbox/scenario`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(scenario),
      signal: AbortSignal.timeout(CALL_MS),
    });
    if (!response.ok) throw new Error(`the scenario was refused: ${await response.text()}`);
  }

  async invoice(): Promise<Invoice> {
    const response = await get(`${this.origin}/sandbox/invoice`);
    return invoiceSchema.parse(await response.json());
  }

  async clearInvoice(): Promise<void> {
    await fetch(`${this.origin}/sandbox/invoice`, { method: 'DELETE', signal: AbortSignal.timeout(CALL_MS) });
  }

  /** Number of uploaded files. */
  async uploads(): Promise<number> {
    const headers = { authorization: 'Bearer test' };
    const response = await get(`${this.origin}/v1/files`, { headers });
    return z.object({ results: z.array(z.unknown()) }).parse(await response.json()).results.length;
  }

  /** The raw clip of a prediction. */
  async clip(predictionId: string): Promise<Buffer> {
    const response = await get(`${this.origin}/files/${predictionId}.mp4`);
    if (!response.ok) throw new Error(`the clip of ${predictionId} answered ${response.status}`);
    return Buffer.from(await response.arrayBuffer());
  }
}
