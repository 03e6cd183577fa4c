/** A `data:` URL without its content (RFC 2397). */
export interface DataUrlHead {
  /** In lower case, without parameters; `text/plain` when the URL names none. */
  readonly mediaType: string;
  /** Names in lower case, values without their quotes. */
  readonly parameters: ReadonlyMap<string, string>;
  readonly base64: boolean;
  /** Where the content begins. */
  readonly contentAt: number;
}

/** Characters; a longer head is no head. */
const HEAD_LIMIT = 1024;
const TYPE = /^[a-z0-9!#$&^_.+-]+\/[a-z0-9!#$&^_.+-]+$/;

/**
 * A pattern for data URLs of these media types in base64, with or without parameters (`audio/mp4;codecs="mp4a.40.2"`).
 * `types` is a pattern in lower case; letters match in both cases. JSON Schema takes its source.
 */
export function dataUrlPattern(types: string): RegExp {
  const anyCase = (pattern: string): string =>
    pattern.replace(/\[[^\]]*\]|[a-z]/g, (part) =>
      part.startsWith('[') ? part.replace('a-z', 'A-Za-z') : `[${part.toUpperCase()}${part}]`,
    );
  const parameter = `;[A-Za-z0-9!#$&^_.+-]+=(?:"[^"]*"|[^";,]*)`;
  return new RegExp(`^${anyCase('data')}:${anyCase(types)}(?:${parameter})*;${anyCase('base64')},`);
}

/** Reads the head of a data URL; undefined when the text is none. A comma inside quotes does not end the head. */
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

/** What a data URL holds; `too-large`, before anything is decoded, when that is more than `maxBytes`; undefined when it is no data URL in base64. */
export function decodeDataUrl(
  text: string,
  maxBytes: number,
): { readonly mediaType: string; readonly bytes: Buffer<ArrayBuffer> } | 'too-large' | undefined {
  const head = dataUrlHead(text);
  if (head?.base64 !== true) return undefined;
  // Line breaks and padding are no content; the exact size is known after decoding.
  if ((text.length - head.contentAt) * 0.75 > maxBytes * 1.1 + 64) return 'too-large';
  const bytes = Buffer.from(percentDecoded(text.slice(head.contentAt)), 'base64');
  return bytes.length > maxBytes ? 'too-large' : { mediaType: head.mediaType, bytes };
}

/** Of base64 only three characters are ever escaped. */
const percentDecoded = (base64: string): string =>
  base64.includes('%')
    ? base64.replace(/%(2B|2F|3D)/gi, (escape) => String.fromCharCode(Number.parseInt(escape.slice(1), 16)))
    : base64;
