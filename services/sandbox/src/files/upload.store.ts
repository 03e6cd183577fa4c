import { createHash, randomBytes } from 'node:crypto';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface Upload {
  readonly id: string;
  readonly name: string;
  readonly contentType: string;
  readonly size: number;
  readonly sha256: string;
  readonly metadata: unknown;
  readonly createdAt: number;
  /** Path of the content. */
  readonly file: string;
}

/** An image for the first frame of a clip. */
export interface ImageFile {
  readonly sha256: string;
  readonly file: string;
}

const DATA_URL = /^data:[^,]*;base64,/;
const JPEG = Buffer.from([0xff, 0xd8, 0xff]);
const PNG = Buffer.from([0x89, 0x50, 0x4e, 0x47]);

const startsWith = (bytes: Buffer, magic: Buffer): boolean => bytes.subarray(0, magic.length).equals(magic);
const extensionOf = (bytes: Buffer): string =>
  startsWith(bytes, JPEG) ? 'jpg' : startsWith(bytes, PNG) ? 'png' : 'bin';

/** The uploaded files: metadata in memory, content on disk by hash. */
export class UploadStore {
  private readonly uploads = new Map<string, Upload>();

  constructor(
    private readonly dir: string,
    private readonly url: string,
  ) {}

  /** All uploads, newest first. */
  list(): Upload[] {
    return [...this.uploads.values()].reverse();
  }

  find(id: string): Upload | undefined {
    return this.uploads.get(id);
  }

  async add(bytes: Buffer, named: Pick<Upload, 'name' | 'contentType' | 'metadata'>): Promise<Upload> {
    const upload = {
      ...named,
      ...(await this.save(bytes)),
      id: randomBytes(24).toString('base64url'),
      size: bytes.length,
      createdAt: Date.now(),
    };
    this.uploads.set(upload.id, upload);
    return upload;
  }

  remove(id: string): boolean {
    return this.uploads.delete(id);
  }

  urlOf({ id }: Upload): string {
    return `${this.url}/v1/files/${id}`;
  }

  /** Resolves an input, a data URL or the URL of an upload, to an image or a problem. Fetches no other URLs. */
  async imageOf(input: unknown): Promise<ImageFile | { readonly problem: string }> {
    if (typeof input !== 'string') return { problem: 'the image is not a URL' };
    const uploaded = this.list().find((upload) => this.urlOf(upload) === input);
    const image = DATA_URL.test(input)
      ? await this.save(Buffer.from(input.slice(input.indexOf(',') + 1), 'base64'))
      : uploaded;
    if (image === undefined) return { problem: 'the image could not be downloaded' };
    return image.file.endsWith('.bin') ? { problem: 'cannot identify image file' } : image;
  }

  private async save(bytes: Buffer): Promise<ImageFile> {
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const file = join(this.dir, `${sha256}.${extensionOf(bytes)}`);
    const draft = `${file}.${randomBytes(6).toString('hex')}.part`;
    await mkdir(this.dir, { recursive: true });
    await writeFile(draft, bytes);
    await rename(draft, file);
    return { sha256, file };
  }
}
