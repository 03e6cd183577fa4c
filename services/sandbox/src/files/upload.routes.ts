import express, { type Request, Router } from 'express';
import { replicateProblem } from '../replicate/replicate.routes.js';
import { type Upload, type UploadStore } from './upload.store.js';

const UPLOAD_LIMIT = '100mb';
/** Replicate removes a file after a day. */
const LIFETIME_MS = 24 * 60 * 60_000;

/** Replicate's `/v1/files`. */
export function uploadRoutes(uploads: UploadStore): Router {
  const router = Router();
  const present = (upload: Upload): object => ({
    id: upload.id,
    name: upload.name,
    content_type: upload.contentType,
    size: upload.size,
    etag: upload.sha256.slice(0, 32),
    checksums: { sha256: upload.sha256 },
    metadata: upload.metadata,
    created_at: new Date(upload.createdAt).toISOString(),
    expires_at: new Date(upload.createdAt + LIFETIME_MS).toISOString(),
    urls: { get: uploads.urlOf(upload) },
  });
  router.post('/', express.raw({ type: 'multipart/form-data', limit: UPLOAD_LIMIT }), async (request, response) => {
    const form = await formOf(request);
    const content = form?.get('content');
    if (!(content instanceof File)) {
      replicateProblem(response, 400, 'Missing content', 'Missing file content: a multipart field named content');
      return;
    }
    const upload = await uploads.add(Buffer.from(await content.arrayBuffer()), {
      name: content.name,
      contentType: content.type,
      metadata: await metadataOf(form?.get('metadata')),
    });
    response.status(201).json(present(upload));
  });
  router.get('/', (_request, response) => {
    response.json({ previous: null, next: null, results: uploads.list().map(present) });
  });
  router.get('/:id', (request, response) => {
    const upload = uploads.find(request.params.id);
    if (upload === undefined) replicateProblem(response, 404, 'Not found', 'The requested file could not be found.');
    else response.json(present(upload));
  });
  router.delete('/:id', (request, response) => {
    if (uploads.remove(request.params.id)) response.status(204).end();
    else replicateProblem(response, 404, 'Not found', 'The requested file could not be found.');
  });
  return router;
}

async function formOf(request: Request): Promise<FormData | undefined> {
  const body: unknown = request.body;
  if (!Buffer.isBuffer(body)) return undefined;
  const headers = { 'content-type': request.get('content-type') ?? '' };
  // The parser of undici is deprecated for bodies of unknown size. This one is bounded and in memory.
  // eslint-disable-next-line @typescript-eslint/no-deprecated
  return new Response(new Uint8Array(body), { headers }).formData().catch(() => undefined);
}

async function metadataOf(field: ReturnType<FormData['get']> | undefined): Promise<unknown> {
  const text = typeof field === 'string' ? field : await field?.text();
  try {
    return JSON.parse(text ?? '{}');
  } catch {
    return {};
  }
}
