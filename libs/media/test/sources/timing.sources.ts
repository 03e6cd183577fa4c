import { BASE } from './source.maker.js';
import { made, type SourceRow, transcoded } from './source.row.js';

const H264 = '-c:v libx264 -preset ultrafast -pix_fmt yuv420p';
/** With B-frames, whose first timestamp is not 0. */
const B_FRAMES = '-c:v libx264 -preset veryfast -pix_fmt yuv420p -bf 2';
const AAC = '-c:a aac -b:a 128k';
const { picture, sound, cover } = BASE;
/** Pictures and sound that start at different seconds. */
const offset = (pictureSecond: number, soundSecond: number): string =>
  `-itsoffset ${pictureSecond} -i ${picture} -itsoffset ${soundSecond} -i ${sound}`;
/** Both streams, with the flash and the beep moved together, because the encoder keeps the offsets. */
const late = (pictureSecond: number, soundSecond: number): string =>
  `-itsoffset ${pictureSecond} -i ${picture} -i ${sound} -af adelay=${pictureSecond * 1000}:all=1,atrim=start=${soundSecond}`;

/** Containers, starts and streams: the pictures and the sound stay in step. */
export const TIMING_SOURCES: readonly SourceRow[] = [
  transcoded('mp4', `${H264} ${AAC}`, 'mp4'),
  transcoded('mp4 with the header first', `${H264} ${AAC} -movflags +faststart`, 'mp4'),
  transcoded('mp4 with B-frames', `${B_FRAMES} ${AAC}`, 'mp4'),
  transcoded('mp4 without edit lists', `${B_FRAMES} ${AAC} -use_editlist 0`, 'mp4'),
  transcoded('mp4 in fragments', `${B_FRAMES} ${AAC} -movflags frag_keyframe+empty_moov+default_base_moof`, 'mp4'),
  transcoded(
    'mp4 in fragments with a late header',
    `${B_FRAMES} ${AAC} -g 6 -movflags frag_keyframe+delay_moov`,
    'mp4',
  ),
  transcoded('mp4 with negative offsets', `${B_FRAMES} ${AAC} -movflags negative_cts_offsets`, 'mp4'),
  transcoded('mov with pcm', `${H264} -c:a pcm_s16le`, 'mov'),
  transcoded('matroska with B-frames', `${B_FRAMES} ${AAC}`, 'matroska'),
  transcoded('matroska with opus', `${H264} -c:a libopus`, 'matroska'),
  transcoded('matroska with flac', `${H264} -c:a flac`, 'matroska'),
  transcoded('webm with vp8 and vorbis', '-c:v libvpx -cpu-used 8 -deadline realtime -b:v 1M -c:a libvorbis', 'webm'),
  transcoded('webm with vp9 and opus', '-c:v libvpx-vp9 -cpu-used 8 -deadline realtime -b:v 1M -c:a libopus', 'webm'),
  transcoded('a transport stream', `${B_FRAMES} ${AAC}`, 'mpegts'),
  transcoded('a transport stream with mp2', `-c:v mpeg2video -q:v 3 -bf 2 -c:a mp2`, 'mpegts'),
  transcoded('a program stream', `-c:v mpeg2video -q:v 3 -c:a mp2`, 'vob'),
  transcoded('avi with mp3', '-c:v mpeg4 -q:v 3 -c:a libmp3lame', 'avi'),
  transcoded('avi with pcm', '-c:v mjpeg -q:v 3 -pix_fmt yuvj420p -c:a pcm_s16le', 'avi'),
  transcoded('flv', `${H264} ${AAC}`, 'flv'),
  transcoded('asf', '-c:v wmv2 -q:v 3 -c:a wmav2', 'asf'),
  transcoded('hevc in mp4', '-c:v libx265 -preset ultrafast -x265-params log-level=none -c:a aac', 'mp4'),
  transcoded('av1 in mp4', '-c:v libsvtav1 -preset 12 -c:a aac', 'mp4'),
  transcoded('prores in mov', '-c:v prores_ks -profile:v 0 -c:a pcm_s16le', 'mov'),
  transcoded('png in mov', '-c:v png -c:a pcm_s16le', 'mov'),
  transcoded('a gif', '-map 0:v', 'gif', { silent: true }),
  transcoded('mp4 without sound', `-map 0:v ${H264}`, 'mp4', { silent: true }),
  transcoded('mono of 22.05 kHz', `${H264} -c:a aac -ac 1 -ar 22050`, 'mp4'),
  transcoded('5.1 sound of 44.1 kHz', `${H264} -c:a ac3 -ac 6 -ar 44100`, 'mp4'),
  transcoded('sound of 96 kHz', `${H264} -c:a pcm_s24le -ar 96000`, 'mov'),
  made('sound that starts 400 ms after the pictures', [`${late(0, 0.4)} ${H264} ${AAC} -f mp4 FILE`]),
  made('pictures that start 250 ms after the sound', [`${late(0.25, 0)} ${H264} ${AAC} -f mp4 FILE`]),
  made('pictures that start 500 ms after the sound', [`${late(0.5, 0)} ${H264} ${AAC} -f matroska FILE`]),
  made('a late picture in a transport stream', [`${late(0.25, 0)} ${B_FRAMES} ${AAC} -f mpegts FILE`]),
  made('both streams 5 s late', [`${offset(5, 5)} ${B_FRAMES} ${AAC} -copyts -f matroska FILE`]),
  made('both streams 3 s late in mp4', [`${offset(3, 3)} ${H264} ${AAC} -copyts -f mp4 FILE`]),
  made('a cut by an edit list', [
    `-i ${picture} -i ${sound} ${H264} -g 30 -bf 0 -c:a pcm_s16le -f mov long.mov`,
    '-ss 0.2 -i long.mov -c copy -f mov FILE',
  ]),
  made('12 frames a second', [`-i ${picture} -i ${sound} -vf fps=12 ${H264} ${AAC} -f mp4 FILE`]),
  made('30 frames a second', [`-i ${picture} -i ${sound} -r 30 ${H264} ${AAC} -f mp4 FILE`]),
  made('60 frames a second', [`-i ${picture} -i ${sound} -r 60 ${H264} ${AAC} -f mp4 FILE`]),
  made('23.976 frames a second', [`-i ${picture} -i ${sound} -r 24000/1001 ${H264} ${AAC} -f mp4 FILE`]),
  made('a variable frame rate', [
    `-i ${picture} -i ${sound} -vf select='not(mod(n,2))+between(n,11,15)' -fps_mode vfr ${H264} ${AAC} -f mp4 FILE`,
  ]),
  made('a cover picture before the pictures', [
    `-i ${cover} -i ${picture} -i ${sound} -map 0:v -map 1:v -map 2:a -c:v:0 copy -disposition:v:0 attached_pic -c:v:1 libx264 -preset:v:1 ultrafast -pix_fmt:v:1 yuv420p ${AAC} -f mp4 FILE`,
  ]),
  made('a small second picture before the large one', [
    `-i ${picture} -i ${sound} -filter_complex [0:v]split[a][b];[a]scale=64:36,negate[c] -map [c] -map [b] -map 1:a ${H264} ${AAC} -disposition:v 0 -f matroska FILE`,
  ]),
  made('two sounds, of which the second is marked', [
    `-i ${picture} -i ${sound} -f lavfi -i anullsrc=d=1 -map 0:v -map 2:a -map 1:a ${H264} ${AAC} -disposition:a:0 0 -disposition:a:1 default -f matroska FILE`,
  ]),
  made(
    'a song with a cover',
    [`-i ${cover} -i ${sound} -map 1:a -map 0:v -c:a libmp3lame -c:v copy -disposition:v attached_pic -f mp3 FILE`],
    { refused: /no video stream/ },
  ),
  made(
    'a song in mp4 with a cover',
    [`-i ${cover} -i ${sound} -map 0:v -map 1:a ${AAC} -c:v copy -disposition:v attached_pic -f mp4 FILE`],
    { refused: /no video stream/ },
  ),
  transcoded('sound alone', `-map 1:a ${AAC}`, 'mp4', { refused: /no video stream/ }),
];
