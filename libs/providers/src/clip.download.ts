import { open as openFile, rm } from 'node:fs/promises';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ClipmeshError } from '@clipmesh/contracts';
import { isWhole } from './clip.whole.js';

export interface DownloadOptions {
  /** Origin that may be plain http: the provider's own. */
  readonly ownOrigin: string;
  readonly timeoutMs: number;
  /** Broken off when nothing has come for this long, ms. */
  readonly idleTimeoutMs: number;
  readonly maxBytes: number;
}
const MAX_REDIRECTS = 5;

/** The URL when it may be fetched: https, or the provider's own origin. Throws `DOWNLOAD_FAILED`, not retryable. */
export function allowedUrl(text: string, base: string | undefined, ownOrigin: string): URL {
  const url = URL.canParse(text, base) ? new URL(text, base) : undefined;
  if (url !== undefined && (url.protocol === 'https:' || url.origin === ownOrigin)) return url;
  throw new ClipmeshError('DOWNLOAD_FAILED', `the output is at ${url?.origin ?? 'no URL'}, which is not fetched`, {
    retryable: false,
  });
}

async function open(from: string, options: DownloadOptions, signal: AbortSignal): Promise<Response> {
  let url = allowedUrl(from, undefined, options.ownOrigin);
  for (let hop = 0; hop <= MAX_REDIRECTS; hop += 1) {
    const response = await fetch(url, { redirect: 'manual', signal });
    const location = response.headers.get('location');
    if (response.status >= 300 && response.status < 400 && location !== null) {
      await response.body?.cancel();
      url = allowedUrl(location, url.href, options.ownOrigin);
      continue;
    }
    if (response.ok) return response;
    await response.body?.cancel();
    const gone = [403, 404, 410].includes(response.status);
    throw new ClipmeshError(
      gone ? 'DOWNLOAD_EXPIRED' : 'DOWNLOAD_FAILED',
      `the download answered with status ${response.status}`,
    );
  }
  throw new ClipmeshError('DOWNLOAD_FAILED', `the download was redirected more than ${MAX_REDIRECTS} times`);
}

/** Streams `url` to `file`. Whatever goes wrong, no partial file is left. */
export async function downloadTo(
  url: string,
  file: string,
  options: DownloadOptions,
  signal: AbortSignal,
): Promise<{ bytes: number }> {
  const timeout = AbortSignal.timeout(options.timeoutMs);
  const stalled = new AbortController();
  const idle = setTimeout(() => {
    stalled.abort();
  }, options.idleTimeoutMs);
  const any = AbortSignal.any([signal, timeout, stalled.signal]);
  let bytes = 0;
  const count = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      idle.refresh();
      if (bytes <= options.maxBytes) done(null, chunk);
      else
        done(
          new ClipmeshError('DOWNLOAD_FAILED', `the output is larger than ${options.maxBytes} bytes`, {
            retryable: false,
          }),
        );
    },
  });
  try {
    const { body } = await open(url, options, any);
    if (body === null) throw new ClipmeshError('DOWNLOAD_FAILED', 'the download has no body');
    // Opened before anything can fail: a file that is opened by a stream may come to be after it was removed.
    const target = await openFile(file, 'w');
    await pipeline(Readable.from(body), count, target.createWriteStream(), { signal: any });
    if (bytes === 0) throw new ClipmeshError('DOWNLOAD_FAILED', 'the download is empty');
    if (!(await isWhole(file))) throw new ClipmeshError('DOWNLOAD_FAILED', 'the download is cut short');
    return { bytes };
  } catch (cause) {
    await rm(file, { force: true });
    if (signal.aborted) throw new ClipmeshError('CANCELED', 'the download was canceled', { cause });
    if (cause instanceof ClipmeshError) throw cause;
    throw new ClipmeshError('DOWNLOAD_FAILED', `the download ${why(cause)}`, { cause });
  } finally {
    clearTimeout(idle);
  }

  function why(cause: unknown): string {
    if (timeout.aborted) return `took longer than ${options.timeoutMs} ms`;
    if (stalled.signal.aborted) return `stood still for ${options.idleTimeoutMs} ms after ${bytes} bytes`;
    return `broke off: ${String(cause)}`;
  }
}
