import { dataUrlHead } from '@clipmesh/contracts';

/** Levels of arrays and objects that are searched. */
const DEPTH_LIMIT = 8;
/** Values that are searched; the rest of the output is ignored. */
const VALUE_LIMIT = 2000;
/** Longer texts are not parsed as JSON, characters. */
const JSON_LIMIT = 1_000_000;

type Kind = 'video' | 'unknown' | 'gif' | 'other';
type Role = 'video' | 'neutral' | 'side';

const EXTENSIONS: Readonly<Record<string, Kind>> = {
  ...group('video', [
    'mp4',
    'm4v',
    'mov',
    'webm',
    'mkv',
    'avi',
    'mpg',
    'mpeg',
    'ts',
    'm2ts',
    '3gp',
    'flv',
    'ogv',
    'wmv',
  ]),
  ...group('gif', ['gif']),
  ...group('other', ['jpg', 'jpeg', 'png', 'webp', 'avif', 'bmp', 'svg', 'tif', 'tiff', 'heic', 'exr', 'ico']),
  ...group('other', ['mp3', 'm4a', 'aac', 'wav', 'flac', 'ogg', 'oga', 'opus', 'aiff']),
  ...group('other', ['json', 'txt', 'html', 'htm', 'xml', 'csv', 'srt', 'vtt', 'ass', 'log', 'md', 'pdf', 'yaml']),
  ...group('other', ['zip', 'tar', 'gz', 'tgz', '7z', 'safetensors', 'ply', 'glb', 'obj', 'm3u8', 'mpd']),
};

/** The role of a file by the name of its field. The nearest name decides. */
const ROLES: readonly (readonly [pattern: RegExp, role: Role])[] = [
  [
    /thumb|poster|cover|preview|frame|image|picture|mask|depth|audio|sound|music|speech|logs?$|caption|subtitle/i,
    'side',
  ],
  [/video|clip|movie|^(mp4|webm|mov)$/i, 'video'],
];

/** Fields in which an output repeats the request. */
const ECHOED_FIELDS = /^inputs?$|^input_|^source|reference|^error/i;

/** A lower rank is preferred. */
const KIND_RANK = { video: 0, unknown: 1, gif: 3 } as const;
const ROLE_RANK: Readonly<Record<Role, number>> = { video: 0, neutral: 1, side: 3 };

interface Found {
  readonly url: string;
  readonly rank: number;
}

/** A value to search, with the role and kind that its position implies. */
interface Place {
  readonly value: unknown;
  readonly depth: number;
  readonly role: Role;
  readonly kind: Kind;
}

/**
 * Returns the URL of the video in a model's output: a URL, a list, an object that contains a URL at a depth of up to 8, or a JSON text
 * of one of these. Prefers the file that is a video by content type, extension or field name; among equals the first. Undefined when
 * no file can be a video.
 */
export function videoUrlOf(output: unknown): string | undefined {
  let best: Found | undefined;
  const places: Place[] = [{ value: output, depth: 0, role: 'neutral', kind: 'unknown' }];
  // Breadth-first: the list grows while it is read, so that values near the top come first.
  for (let at = 0; at < places.length; at += 1) {
    const place = places[at];
    if (place === undefined) continue;
    if (typeof place.value === 'string') {
      const found = foundAt(place, place.value.trim());
      if (found !== undefined && (best === undefined || found.rank < best.rank)) best = found;
    }
    for (const inner of innerOf(place)) {
      if (places.length >= VALUE_LIMIT) break;
      places.push(inner);
    }
  }
  return best?.url;
}

function foundAt({ role, kind }: Place, text: string): Found | undefined {
  const own = kindOfUrl(text);
  if (own === undefined) return undefined;
  const known = own === 'unknown' ? kind : own;
  // A file that is named a preview and is not known to be a video is an image.
  if (known === 'other' || (known === 'unknown' && role === 'side')) return undefined;
  return { url: text, rank: KIND_RANK[known] + ROLE_RANK[role] };
}

/** Undefined for a text that is not a URL which may be fetched. */
function kindOfUrl(text: string): Kind | undefined {
  const head = dataUrlHead(text);
  if (head !== undefined) return head.base64 ? kindOfType(head.mediaType) : undefined;
  if (!/^https?:\/\/\S+$/i.test(text) || !URL.canParse(text)) return undefined;
  return kindOfName(new URL(text).pathname);
}

function kindOfName(name: string): Kind {
  const extension = /\.([a-z0-9]{1,12})$/i.exec(name)?.[1]?.toLowerCase() ?? '';
  return Object.hasOwn(EXTENSIONS, extension) ? (EXTENSIONS[extension] ?? 'unknown') : 'unknown';
}

function kindOfType(type: string): Kind {
  const plain = (type.split(';')[0] ?? '').trim().toLowerCase();
  if (plain === 'image/gif') return 'gif';
  if (plain.startsWith('video/')) return 'video';
  return plain === '' || plain === 'application/octet-stream' || plain === 'binary/octet-stream' ? 'unknown' : 'other';
}

function innerOf({ value, depth, role, kind }: Place): Place[] {
  if (depth >= DEPTH_LIMIT) return [];
  if (typeof value === 'string') return jsonOf(value).map((inner) => ({ value: inner, depth: depth + 1, role, kind }));
  if (typeof value !== 'object' || value === null) return [];
  if (Array.isArray(value))
    return value.slice(0, VALUE_LIMIT).map((inner: unknown) => ({ value: inner, depth: depth + 1, role, kind }));
  const fields = (Object.entries(value) as [string, unknown][])
    .slice(0, VALUE_LIMIT)
    .filter(([name]) => !ECHOED_FIELDS.test(name));
  const kindOfObject = kindOfFile(new Map(fields));
  return fields.map(([name, inner]) => ({
    value: inner,
    depth: depth + 1,
    role: ROLES.find(([pattern]) => pattern.test(name))?.[1] ?? role,
    // The kind of an object's own file does not apply to nested objects.
    kind: typeof inner === 'string' ? kindOfObject : 'unknown',
  }));
}

/** The kind of the file in an object, by its content type or name. */
function kindOfFile(fields: ReadonlyMap<string, unknown>): Kind {
  const text = (...names: string[]): string =>
    names.map((name) => fields.get(name)).find((value): value is string => typeof value === 'string') ?? '';
  const byType = kindOfType(text('content_type', 'contentType', 'mime_type', 'mimeType', 'media_type', 'mediaType'));
  return byType === 'unknown' ? kindOfName(text('file_name', 'fileName', 'filename', 'name')) : byType;
}

function jsonOf(text: string): unknown[] {
  const trimmed = text.length > JSON_LIMIT ? '' : text.trim();
  if (!/^[{[]/.test(trimmed)) return [];
  try {
    return [JSON.parse(trimmed)];
  } catch {
    return [];
  }
}

function group(kind: Kind, extensions: readonly string[]): Record<string, Kind> {
  return Object.fromEntries(extensions.map((extension) => [extension, kind]));
}
