import { type Artifact, ClipmeshError, Semaphore } from '@clipmesh/contracts';
import { withSpan } from '@clipmesh/tracing';
import { SpanKind } from '@opentelemetry/api';
import type Replicate from 'replicate';
import { z } from 'zod';

export interface ImageUploadDeps {
  readonly client: Replicate;
  /** Runs a call of the client. Throws `ClipmeshError`. */
  readonly call: <T>(work: () => Promise<T>) => Promise<T>;
  readonly readFile: (artifact: Artifact) => Promise<Uint8Array>;
  readonly now?: () => number;
}

export interface ImageUpload {
  /** Returns the provider's URL of an image, uploading it if needed. Throws `ClipmeshError`. */
  readonly urlOf: (image: Artifact, signal: AbortSignal) => Promise<string>;
  /** Drops the cached URLs that appear in this input, so that the images are uploaded again when next needed. */
  readonly invalidate: (input: object) => void;
}

/** The provider removes an uploaded file after 24 h. The rest of that time is left for the provider's queue. */
const REUSE_MS = 12 * 60 * 60_000;
const MAX_CACHED = 1000;
const fileSchema = z.object({ urls: z.object({ get: z.url() }) });

/** Uploads images to the provider's file store. Clips with the same image share one upload. */
export function createImageUpload({ client, call, readFile, now = Date.now }: ImageUploadDeps): ImageUpload {
  const uploaded = new Map<string, { readonly mutex: Semaphore; url?: string; atMs: number }>();

  async function upload(image: Artifact, signal: AbortSignal): Promise<string> {
    // Copied, because `Blob` does not accept a view of a pooled buffer.
    const content = new Blob([new Uint8Array(await readFile(image))], { type: image.contentType });
    const name = image.key.slice(image.key.indexOf('/') + 1);
    const answer: unknown = await call(() =>
      client.files.create(new File([content], name, { type: content.type }), {}, { signal }),
    );
    const parsed = fileSchema.safeParse(answer);
    if (parsed.success) return parsed.data.urls.get;
    throw new ClipmeshError('PROVIDER_BAD_ANSWER', 'the response to an upload names no file', { cause: parsed.error });
  }

  const urlOf: ImageUpload['urlOf'] = (image, signal) => {
    const known = uploaded.get(image.sha256) ?? { mutex: new Semaphore(1), atMs: 0 };
    uploaded.set(image.sha256, known);
    const oldest = uploaded.keys().next().value;
    if (uploaded.size > MAX_CACHED && oldest !== undefined) uploaded.delete(oldest);
    return known.mutex.run(signal, async () => {
      if (known.url !== undefined && now() - known.atMs < REUSE_MS) return known.url;
      const atMs = now();
      const url = await withSpan(
        'clipmesh.providers',
        'upload reference image',
        {},
        () => upload(image, signal),
        SpanKind.CLIENT,
      );
      // Set together, after the upload: the time of a failed upload would extend the life of the old URL.
      Object.assign(known, { url, atMs });
      return url;
    });
  };
  return {
    urlOf,
    invalidate(input) {
      const named = new Set<unknown>(Object.values(input));
      for (const known of uploaded.values()) if (named.has(known.url)) delete known.url;
    },
  };
}
