import { type Artifact, ClipmeshError } from '@clipmesh/contracts';
import { withSpan } from '@clipmesh/tracing';
import { SpanKind } from '@opentelemetry/api';
import type Replicate from 'replicate';
import { z } from 'zod';
import { Gate } from './gate.js';

export interface UploadParts {
  readonly client: Replicate;
  /** Runs a call of the client; throws `ClipmeshError`. */
  readonly call: <T>(work: () => Promise<T>) => Promise<T>;
  readonly readFile: (artifact: Artifact) => Promise<Uint8Array>;
  readonly now?: () => number;
}

export interface ImageUpload {
  /** Where the provider finds a picture; throws `ClipmeshError`. */
  readonly urlOf: (image: Artifact, signal: AbortSignal) => Promise<string>;
  /** Uploads the pictures that this input names anew when they are next asked for. */
  readonly forget: (input: object) => void;
}

/** The provider removes an uploaded file after 24 h; a clip may be queued there for a while. */
const KEPT_MS = 12 * 60 * 60_000;
const MAX_REMEMBERED = 1000;
const fileSchema = z.object({ urls: z.object({ get: z.url() }) });

/** Uploads pictures to the provider's files: each once, however many clips begin from it. */
export function createImageUpload({ client, call, readFile, now = Date.now }: UploadParts): ImageUpload {
  const uploaded = new Map<string, { readonly gate: Gate; url?: string; atMs: number }>();

  async function upload(image: Artifact, signal: AbortSignal): Promise<string> {
    // Copied, because a view of a pooled buffer is not what `Blob` takes.
    const content = new Blob([new Uint8Array(await readFile(image))], { type: image.contentType });
    const name = image.key.slice(image.key.indexOf('/') + 1);
    const answer: unknown = await call(() =>
      client.files.create(new File([content], name, { type: content.type }), {}, { signal }),
    );
    const parsed = fileSchema.safeParse(answer);
    if (parsed.success) return parsed.data.urls.get;
    throw new ClipmeshError('PROVIDER_BAD_ANSWER', 'the answer to an upload names no file', { cause: parsed.error });
  }

  const urlOf: ImageUpload['urlOf'] = (image, signal) => {
    const known = uploaded.get(image.sha256) ?? { gate: new Gate(), atMs: 0 };
    uploaded.set(image.sha256, known);
    const oldest = uploaded.keys().next().value;
    if (uploaded.size > MAX_REMEMBERED && oldest !== undefined) uploaded.delete(oldest);
    return known.gate.pass(signal, async () => {
      if (known.url !== undefined && now() - known.atMs < KEPT_MS) return known.url;
      const atMs = now();
      const url = await withSpan(
        'clipmesh.providers',
        'upload reference image',
        {},
        () => upload(image, signal),
        SpanKind.CLIENT,
      );
      // Together, once it is there: the time of an upload that failed would make an old address a fresh one.
      Object.assign(known, { url, atMs });
      return url;
    });
  };
  return {
    urlOf,
    forget(input) {
      const named = new Set<unknown>(Object.values(input));
      for (const known of uploaded.values()) if (named.has(known.url)) delete known.url;
    },
  };
}
