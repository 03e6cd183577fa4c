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

/** The file extension of a content type, parameters ignored; `bin` when it is not known. */
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
/** The name of a file that is laid aside to be removed; `unique` is a UUID. */
export const asideName = (key: string, unique: string): string => `${unique}.${key.replace('/', '.')}.aside`;
/** The key of a file that was laid aside; undefined for any other name. */
export function keyOfAside(name: string): string | undefined {
  const [, folder, file] = ASIDE.exec(name) ?? [];
  return folder === undefined || file === undefined ? undefined : `${folder}/${file}`;
}

/** Where a key lies. Anything but an artifact key is refused, so that no key leads out of the folder. */
export function artifactPath(directory: string, key: string): string {
  if (!isArtifactKey(key)) {
    throw new ClipmeshError('ARTIFACT_MISSING', `${JSON.stringify(key)} is no artifact key`);
  }
  return join(directory, key);
}
