import { isUtf8 } from 'node:buffer';
import { parseMediaType } from './media.type.js';
import { shorten } from './problems/issue.text.js';
import { badRequest, ProblemError } from './problems/problem.js';

type Headers = Readonly<Record<string, string | string[] | undefined>>;

/** Whether the headers announce a body. */
export const hasBody = ({ 'content-length': length, 'transfer-encoding': transfer }: Headers): boolean =>
  transfer !== undefined || (length !== undefined && length !== '0');

/** Whether a content type is `application/json` or ends in `+json`. */
export const isJson = (contentType: string | undefined): boolean =>
  /^application\/([a-z0-9.+-]+\+)?json$/.test(parseMediaType(contentType ?? '').type);

/** Throws a 415 for a body that is not declared as JSON in UTF-8 (RFC 8259 §8.1). */
export function refuseOtherBodies(method: string, headers: Headers): void {
  if (!['POST', 'PUT', 'PATCH'].includes(method) || !hasBody(headers)) return;
  const type = String(headers['content-type'] ?? '');
  if (!isJson(type)) throw unsupported('send the body as JSON with Content-Type: application/json');
  const charset = parseMediaType(type).parameters.get('charset') ?? '';
  if (!/^(utf-?8)?$/i.test(charset))
    throw unsupported(`the charset ${shorten(charset)} is not supported; send the JSON in UTF-8`);
}

/** Throws a 400 for a body that is not UTF-8. Decoding it would change its text. */
export function refuseBrokenText(body: Buffer | undefined): void {
  if (body === undefined || isUtf8(body)) return;
  throw badRequest('body', 'not UTF-8; send the JSON in UTF-8');
}

const unsupported = (detail: string): ProblemError =>
  new ProblemError(415, 'UNSUPPORTED_MEDIA_TYPE', 'The content type is not supported', detail);
