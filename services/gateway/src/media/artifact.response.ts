import { pipeline } from 'node:stream/promises';
import { type Artifact } from '@clipmesh/contracts';
import { type ArtifactStore } from '@clipmesh/persistence';
import { type Request, type Response } from 'express';
import { ProblemError } from '../http/problems/problem.js';
import { selectBytes } from '../http/range.js';

/** Sends a stored file or the requested range: 200, 206, 304 or 416. A HEAD request gets the headers only. */
export async function sendArtifact(
  store: Pick<ArtifactStore, 'open' | 'stat'>,
  artifact: Artifact,
  request: Request,
  response: Response,
): Promise<void> {
  const { bytes, contentType, sha256 } = artifact;
  const etag = `"${sha256}"`;
  const selected = selectBytes(request.method, request.headers, { bytes, etag });
  if (selected.kind === 'unsatisfiable')
    throw new ProblemError(
      416,
      'RANGE_NOT_SATISFIABLE',
      'The range is outside the file',
      `the file has ${bytes} bytes; request a range within them`,
      { headers: { 'Content-Range': `bytes */${bytes}` } },
    );
  // Clients must revalidate (a 304): a regenerated scene changes the video, and a deletion removes it.
  response.set({ 'Accept-Ranges': 'bytes', ETag: etag, 'Cache-Control': 'private, no-cache' });
  if (selected.kind === 'unchanged') {
    response.status(304).end();
    return;
  }
  const part = selected.kind === 'part' ? { start: selected.start, end: selected.end } : undefined;
  response.set({
    'Content-Type': contentType,
    'X-Content-Type-Options': 'nosniff',
    'Content-Length': String(part === undefined ? bytes : part.end - part.start + 1),
  });
  if (request.method === 'HEAD') {
    if ((await store.stat(artifact)) === undefined)
      throw new ProblemError(404, 'ARTIFACT_MISSING', 'The file is gone', 'the file is no longer kept');
    response.status(200).end();
    return;
  }
  const source = await store.open(artifact, part);
  response.status(part === undefined ? 200 : 206);
  if (part !== undefined) response.set('Content-Range', `bytes ${part.start}-${part.end}/${bytes}`);
  try {
    await pipeline(source, response);
  } catch (error) {
    // A client that disconnects early is not an error.
    if ((error as NodeJS.ErrnoException).code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
  }
}
