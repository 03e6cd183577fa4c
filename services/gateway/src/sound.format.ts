/** How files with sound in them begin: where, and with which bytes. */
const BEGINNINGS: readonly (readonly [offset: number, bytes: string])[] = [
  [0, 'ID3'], // MP3 with its tags first
  [0, 'RIFF'], // WAV
  [0, 'RF64'],
  [0, 'OggS'], // Vorbis, Opus
  [0, 'fLaC'],
  [4, 'ftyp'], // M4A, MP4
  [0, 'FORM'], // AIFF
  [0, 'caff'],
  [0, '.snd'],
  [0, '#!AMR'],
  [0, 'APETAGEX'],
  [0, '\x1a\x45\xdf\xa3'], // WebM, Matroska
  [0, '\x30\x26\xb2\x75'], // WMA
  [0, '\x0b\x77'], // AC-3
];

/** Pictures that share their beginning with a sound. */
const PICTURES: readonly string[] = ['WEBP', 'avif', 'avis', 'heic', 'heix', 'hevc', 'hevx', 'mif1', 'msf1'];

/** Whether the bytes begin as a file with sound in it does: a text or a picture is found out before a clip is bought. */
export function looksLikeSound(bytes: Buffer): boolean {
  // A frame of MP3 or AAC begins with eleven set bits; so does text in UTF-16.
  if (bytes[0] === 0xff && ((bytes[1] ?? 0) & 0xe0) === 0xe0) return bytes[1] !== 0xfe;
  if (PICTURES.includes(bytes.toString('latin1', 8, 12))) return false;
  return BEGINNINGS.some(([offset, begin]) => bytes.toString('latin1', offset, offset + begin.length) === begin);
}
