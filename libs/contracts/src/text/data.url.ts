/** A `data:` URL without its content (RFC 2397). */
export interface DataUrlHead {
  /** Lower case, without parameters. Default: `text/plain`. */
  readonly mediaType: string;
  /** Lower-case names; values without quotes. */
  readonly parameters: ReadonlyMap<string, string>;
  readonly base64: boolean;
  /** Index of the first character of the content. */
  readonly contentAt: number;
}

/** Maximum length of a head, characters. */
const HEAD_LIMIT = 1024;
const TYPE = /^[a-z0-9!#$&^_.+-]+\/[a-z0-9!#$&^_.+-]+$/;

/**
 * Pattern for base64 data URLs of the given media types, with or without parameters (`audio/mp4;codecs="mp4a.40.2"`).
 * `types` is a lower-case pattern and matches both cases. No flags, because JSON Schema only takes the source.
 */
export function dataUrlPattern(types: string): RegExp {
  const anyCase = (pattern: string): string =>
    pattern.replace(/\[[^\]]*\]|[a-z]/g, (part) =>
      part.startsWith('[') ? part.replace('a-z', 'A-Za-z') : `[${part.toUpperCase()}${part}]`,
    );
  const parameter = `;[A-Za-z0-9!#$&^_.+-]+=(?:"[^"]*"|[^";,]*)`;
  return new RegExp(`^${anyCase('data')}:${anyCase(types)}(?:${parameter})*;${anyCase('base64')},`);
}

/** Parses the head of a data URL. A comma inside quotes does not end the head. Undefined: not a data URL. */
export function dataUrlHead(text: string): DataUrlHead | undefined {
  if (!/^data:/i.test(text)) return undefined;
  const parts: string[] = [''];
  let quoted = false;
  for (let at = 'data:'.length; at < Math.min(text.length, HEAD_LIMIT); at += 1) {
    const character = text.charAt(at);
    if (character === '"') quoted = !quoted;
    if (!quoted && character === ',') return headOf(parts, at + 1);
    if (!quoted && character === ';') parts.push('');
    else parts.push((parts.pop() ?? '') + character);
  }
  return undefined;
}

function headOf([type = '', ...rest]: readonly string[], contentAt: number): DataUrlHead | undefined {
  const mediaType = type.trim().toLowerCase();
  if (mediaType !== '' && !TYPE.test(mediaType)) return undefined;
  const parameters = new Map<string, string>();
  let base64 = false;
  for (const part of rest) {
    const [name = '', ...value] = part.split('=');
    if (value.length > 0)
      parameters.set(
        name.trim().toLowerCase(),
        value
          .join('=')
          .trim()
          .replace(/^"(.*)"$/, '$1'),
      );
    else if (name.trim().toLowerCase() === 'base64') base64 = true;
  }
  return { mediaType: mediaType === '' ? 'text/plain' : mediaType, parameters, base64, contentAt };
}

/** Decodes a base64 data URL. Returns `too-large` for content over `maxBytes`, and undefined for any other text. */
export function decodeDataUrl(
  text: string,
  maxBytes: number,
): { readonly mediaType: string; readonly bytes: Buffer<ArrayBuffer> } | 'too-large' | undefined {
  const head = dataUrlHead(text);
  if (head?.base64 !== true) return undefined;
  // Rejects oversized input before decoding. The margin covers line breaks and padding.
  if ((text.length - head.contentAt) * 0.75 > maxBytes * 1.1 + 64) return 'too-large';
  const bytes = Buffer.from(percentDecoded(text.slice(head.contentAt)), 'base64');
  return bytes.length > maxBytes ? 'too-large' : { mediaType: head.mediaType, bytes };
}

/** Base64 has only three characters that are percent-encoded. */
const percentDecoded = (base64: string): string =>
  base64.includes('%')
    ? base64.replace(/%(2B|2F|3D)/gi, (escape) => String.fromCharCode(Number.parseInt(escape.slice(1), 16)))
    : base64;
