import { open, readFile, writeFile } from 'node:fs/promises';
import { BASE } from './source.maker.js';
import { made, type SourceRow, transcoded } from './source.row.js';

const X264 = '-c:v libx264 -preset ultrafast -qp 8 -pix_fmt yuv420p -g 12';
const AAC = '-c:a aac -b:a 128k';
const DAMAGED = /damaged|decode|truncated|not a media file/;

type Change = (bytes: Buffer) => Buffer;
/** The row with other bytes, which is refused. */
const changed = (row: SourceRow, how: string, change: Change, options: Partial<SourceRow> = {}): SourceRow => ({
  refused: DAMAGED,
  ...row,
  ...options,
  name: `${row.name}, ${how}`,
  make: async (dir, file) => {
    await row.make(dir, file);
    await writeFile(file, change(await readFile(file)));
  },
});
/** Overwrites pieces of the middle with bytes that look like noise. */
const holes =
  (from = 0.3, length = 48): Change =>
  (bytes) => {
    for (let piece = 0; piece < 6; piece += 1) {
      const at = Math.floor(bytes.length * (from + piece * 0.08));
      for (let index = 0; index < length; index += 1) bytes[at + index] = (index * 73 + piece * 31 + 11) & 0xff;
    }
    return bytes;
  };
const cut =
  (share: number): Change =>
  (bytes) =>
    bytes.subarray(0, Math.floor(bytes.length * share));
/** Gives the sound a codec that ffmpeg does not know. */
const renamed: Change = (bytes) => {
  for (const box of ['mp4a', 'esds']) {
    const header = bytes.lastIndexOf('moov');
    for (let at = bytes.indexOf(box, header); at >= 0; at = bytes.indexOf(box, at)) bytes.write('apac', at, 'latin1');
  }
  return bytes;
};

const mp4 = transcoded('H.264 in mp4', `${X264} ${AAC}`, 'mp4');
const sound = /sound/;

/** Damage: what cannot be decoded is refused, and undecodable sound becomes silence. */
export const DAMAGE_SOURCES: readonly SourceRow[] = [
  changed(mp4, 'with holes', holes(0.2)),
  changed(mp4, 'cut off', cut(0.7)),
  changed(
    transcoded('H.264 in mp4 with the header first', `${X264} ${AAC} -movflags +faststart`, 'mp4'),
    'cut off',
    cut(0.7),
  ),
  changed(transcoded('H.264 in matroska', `${X264} ${AAC}`, 'matroska'), 'with holes', holes()),
  changed(transcoded('H.264 in matroska', `${X264} ${AAC}`, 'matroska'), 'cut off', cut(0.8)),
  changed(transcoded('H.264 in a transport stream', `${X264} ${AAC}`, 'mpegts'), 'with holes', holes()),
  changed(transcoded('H.264 in flv', `${X264} ${AAC}`, 'flv'), 'with holes', holes()),
  changed(
    transcoded('MPEG-2 in a transport stream', '-c:v mpeg2video -q:v 2 -c:a mp2', 'mpegts'),
    'with holes',
    holes(0.3, 600),
  ),
  changed(transcoded('MPEG-4 in avi', '-c:v mpeg4 -q:v 2 -c:a mp3', 'avi'), 'with holes', holes()),
  changed(transcoded('AV1 in mp4', '-c:v libsvtav1 -preset 12 -crf 10 -an', 'mp4'), 'with holes', holes()),
  changed(transcoded('ProRes in mov', '-c:v prores_ks -an', 'mov'), 'with holes', holes()),
  changed(transcoded('motion JPEG in mov', '-c:v mjpeg -q:v 2 -pix_fmt yuvj420p -an', 'mov'), 'with holes', holes()),
  changed(transcoded('PNG in mov', '-c:v png -an', 'mov'), 'with holes', holes()),
  changed(transcoded('WebM', '-c:v libvpx -deadline realtime -cpu-used 8 -b:v 2M -an', 'webm'), 'cut off', cut(0.8)),
  {
    name: 'a web page',
    make: (_dir, file) => writeFile(file, '<!DOCTYPE html><title>Just a moment</title>'),
    refused: /not a media file/,
  },
  { name: 'nothing', make: async (_dir, file) => (await open(file, 'w')).close(), refused: /not a media file/ },
  changed(mp4, 'with sound of an unknown codec', renamed, { refused: undefined, warning: sound, silent: true }),
  made(
    'sound of noise in FLAC',
    [
      `-i ${BASE.picture} -i ${BASE.sound} ${X264} -c:a flac -f matroska healthy.mkv`,
      '-i healthy.mkv -c copy -bsf:a noise=amount=1 -f matroska FILE',
    ],
    { warning: sound, silent: true },
  ),
];
