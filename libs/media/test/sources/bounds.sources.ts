import { BASE } from './source.maker.js';
import { made, type SourceRow, transcoded } from './source.row.js';

const H264 = '-c:v libx264 -preset ultrafast -pix_fmt yuv420p';
const AAC = '-c:a aac -b:a 128k';
const { picture, sound } = BASE;
/** The base in another size. */
const sized = (filters: string): string => `-vf ${filters}:flags=neighbor ${H264} ${AAC}`;
/** Grey pictures of a size and a rate, without sound. */
const grey = (size: string, rate: number, encoder: string): string =>
  `-f lavfi -i color=c=gray:s=${size}:r=${rate}:d=1 -c:v ${encoder}`;

/** Shapes and sizes: what is shown is the middle of the clip, and too much work is refused before it begins. */
export const BOUNDS_SOURCES: readonly SourceRow[] = [
  transcoded('the smallest size of most models', sized('scale=256:144'), 'mp4'),
  transcoded('640x360', sized('scale=640:360'), 'mp4'),
  transcoded('an upright clip', sized('crop=60:108,scale=360:640'), 'mp4', { bars: [] }),
  transcoded('a square clip', sized('crop=108:108,scale=480:480'), 'mp4', { bars: [] }),
  transcoded('4K', sized('scale=3840:2160:out_color_matrix=bt709'), 'mp4'),
  transcoded('upright 4K', sized('crop=60:108,scale=2160:3840'), 'mp4', { bars: [] }),
  transcoded('a panorama of 8192x1024', sized('scale=8192:1024'), 'mp4', { bars: [] }),
  transcoded('odd sides', `-vf scale=193:109:flags=neighbor -c:v libx264 -pix_fmt yuv444p ${AAC}`, 'mp4'),
  transcoded('wide pixels', sized('scale=96:108,setsar=2,scale=iw:ih'), 'mp4'),
  transcoded('tall pixels', sized('scale=192:54,setsar=1/2,scale=iw:ih'), 'mp4'),
  transcoded('no shape of its pixels', `-vf setsar=0 ${H264} ${AAC}`, 'mp4'),
  made('a rotation in the header', [
    `-i ${picture} -i ${sound} -vf transpose=cclock ${H264} ${AAC} -f mp4 turned.mp4`,
    '-i turned.mp4 -c copy -metadata:s:v rotate=270 -f mp4 FILE',
  ]),
  made('upside down in the header', [
    `-i ${picture} -i ${sound} -vf hflip,vflip ${H264} ${AAC} -f mp4 turned.mp4`,
    '-i turned.mp4 -c copy -metadata:s:v rotate=180 -f mp4 FILE',
  ]),
  made(
    'a size that changes',
    [
      `-i ${picture} -vf trim=end_frame=20 ${H264} -f mpegts first.ts`,
      `-i ${picture} -vf trim=start_frame=20,scale=384:216 ${H264} -f mpegts second.ts`,
      '-i concat:first.ts|second.ts -c copy -f mpegts FILE',
    ],
    { silent: true },
  ),
  made('a strip of 16x4096', [`${grey('16x4096', 24, 'libx264')} -f mp4 FILE`], {
    silent: true,
    steady: true,
    bars: [],
  }),
  made('8 pixels', [`${grey('8x8', 24, 'libx264')} -f mp4 FILE`], { refused: /8x8 pixels; each side must be/ }),
  made('a picture of 6000x3000 in PNG', [`${grey('6000x3000', 1, 'png')} -f mov FILE`], {
    refused: /more than 9500000 pixels|each side must be/,
  }),
  made('4000x4000 in H.264', [`${grey('4000x4000', 2, 'libx264 -preset ultrafast')} -f mp4 FILE`], {
    refused: /at most|more than 9500000 pixels/,
  }),
  made('1000 frames a second', [`${grey('64x64', 1000, 'libx264 -preset ultrafast')} -f mp4 FILE`], {
    refused: /1000 frames a second; at most 240/,
  }),
  made('UHD at 120 frames a second', [`${grey('3840x2160', 120, 'libx264 -preset ultrafast')} -t 0.1 -f mp4 FILE`], {
    refused: /at 120 frames a second; at most/,
  }),
];
