import { open as openFile, rm, writeFile } from 'node:fs/promises';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ClipmeshError, dataUrlHead, decodeDataUrl } from '@clipmesh/contracts';

export interface DownloadOptions {
  /** The provider's own origin. Plain http is allowed for it. */
  readonly ownOrigin: string;
  readonly timeoutMs: number;
  /** The download is aborted after this long without data, ms. */
  readonly idleTimeoutMs: number;
  readonly maxBytes: number;
}
const MAX_REDIRECTS = 5;

/** An output that no retry can fix. Another model may work. */
const refused = (text: string): ClipmeshError => new ClipmeshError('PROVIDER_BAD_ANSWER', text, { retryable: false });

/** Returns the URL if it is https or of the provider's own origin. Throws `PROVIDER_BAD_ANSWER`, not retryable, for any other. */
export function allowedUrl(text: string, base: string | undefined, ownOrigin: string): URL {
  const url = URL.canParse(text, base) ? new URL(text, base) : undefined;
  if (url !== undefined && (url.protocol === 'https:' || url.origin === ownOrigin)) return url;
  throw refused(`the output is at ${url?.origin ?? 'no URL'}, which may not be fetched`);
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

/** Writes the content of a data URL. Errors never quote the URL. */
async function writeDataUrl(url: string, file: string, maxBytes: number): Promise<{ bytes: number }> {
  const content = decodeDataUrl(url, maxBytes);
  if (content === undefined) throw refused('the output is a data URL without base64');
  if (content === 'too-large') throw refused(`the output is larger than ${maxBytes} bytes`);
  await writeFile(file, content.bytes);
  return { bytes: content.bytes.length };
}

/**
 * Downloads `url`, which may be a data URL, to `file`. Does not check that the content is a clip. Throws `DOWNLOAD_FAILED` when the
 * download fails, `DOWNLOAD_EXPIRED` for a 403, 404 or 410, `PROVIDER_BAD_ANSWER` for a URL that may not be fetched or a file that is
 * too large, and `CANCELED`. Leaves no partial file.
 */
export async function downloadTo(
  url: string,
  file: string,
  options: DownloadOptions,
  signal: AbortSignal,
): Promise<{ bytes: number }> {
  if (dataUrlHead(url) !== undefined) return writeDataUrl(url, file, options.maxBytes);
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
      else done(refused(`the output is larger than ${options.maxBytes} bytes`));
    },
  });
  try {
    const { body } = await open(url, options, any);
    if (body === null) throw new ClipmeshError('DOWNLOAD_FAILED', 'the download has no body');
    // Opened before anything can fail: a stream might create the file after the removal below.
    const target = await openFile(file, 'w');
    await pipeline(Readable.from(body), count, target.createWriteStream(), { signal: any });
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
    if (stalled.signal.aborted) return `received no data for ${options.idleTimeoutMs} ms after ${bytes} bytes`;
    return `failed: ${String(cause)}`;
  }
}
