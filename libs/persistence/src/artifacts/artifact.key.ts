import { join } from 'node:path';
import { artifactSchema, ClipmeshError } from '@clipmesh/contracts';

const EXTENSIONS: Readonly<Record<string, string>> = {
  'video/mp4': 'mp4',
  'video/quicktime': 'mov',
  'video/webm': 'webm',
  'image/jpeg': 'jpg',
  'image/png': 'png',
  'image/webp': 'webp',
  'audio/mpeg': 'mp3',
  'audio/mp3': 'mp3',
  'audio/wav': 'wav',
  'audio/x-wav': 'wav',
  'audio/wave': 'wav',
  'audio/mp4': 'm4a',
  'audio/x-m4a': 'm4a',
  'audio/m4a': 'm4a',
  'audio/aac': 'aac',
  'audio/flac': 'flac',
  'audio/ogg': 'ogg',
  'text/vtt': 'vtt',
  'application/json': 'json',
};

/** File extension of a content type; ignores parameters. Default: `bin`. */
export function extensionOf(contentType: string): string {
  const type = (contentType.split(';')[0] ?? '').trim().toLowerCase();
  return Object.hasOwn(EXTENSIONS, type) ? (EXTENSIONS[type] ?? 'bin') : 'bin';
}

/** `<2 hex>/<sha256>.<extension>` */
export function artifactKey(sha256: string, contentType: string): string {
  return `${sha256.slice(0, 2)}/${sha256}.${extensionOf(contentType)}`;
}

export const isArtifactKey = (key: string): boolean => artifactSchema.shape.key.safeParse(key).success;

const ASIDE = /^[0-9a-f-]{36}\.([0-9a-f]{2})\.([0-9a-f]{64}\.[a-z0-9]{2,4})\.aside$/;
/** Temporary name of a file that is moved aside for removal. `unique`: a UUID. */
export const asideName = (key: string, unique: string): string => `${unique}.${key.replace('/', '.')}.aside`;
/** Key of a file that was moved aside. Undefined: any other name. */
export function keyOfAside(name: string): string | undefined {
  const [, folder, file] = ASIDE.exec(name) ?? [];
  return folder === undefined || file === undefined ? undefined : `${folder}/${file}`;
}

/** Path of a key. Throws `ARTIFACT_MISSING` for an invalid key, so that no key escapes the folder. */
export function artifactPath(directory: string, key: string): string {
  if (!isArtifactKey(key)) {
    throw new ClipmeshError('ARTIFACT_MISSING', `${JSON.stringify(key)} is not an artifact key`);
  }
  return join(directory, key);
}
