const EXTENSIONS: ReadonlyMap<string, string> = new Map([
  ['video/mp4', 'mp4'],
  ['video/quicktime', 'mov'],
  ['image/jpeg', 'jpg'],
  ['audio/mpeg', 'mp3'],
  ['audio/wav', 'wav'],
  ['audio/x-wav', 'wav'],
  ['audio/mp4', 'm4a'],
  ['audio/ogg', 'ogg'],
  ['text/vtt', 'vtt'],
]);

/** File extension of a content type, its parameters ignored; `bin` when it is unknown. */
export function extensionOf(contentType: string): string {
  const [type = ''] = contentType.split(';');
  return EXTENSIONS.get(type.trim().toLowerCase()) ?? 'bin';
}
