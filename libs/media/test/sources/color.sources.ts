import { BARS } from './source.maker.js';
import { type SourceRow, transcoded } from './source.row.js';

const AAC = '-c:a aac';
const X264 = '-c:v libx264 -preset ultrafast -qp 8';
/** The base is RGB without tags. */
const TAGGED = 'setparams=color_primaries=bt709:color_trc=bt709:colorspace=gbr:range=pc';
const yuv = (matrix: string, range: 'tv' | 'pc', format = 'yuv420p'): string =>
  `-vf scale=out_color_matrix=${matrix}:out_range=${range}:flags=accurate_rnd+full_chroma_int,format=${format}`;
/** Tags on the frames, which ProRes takes its tags from. */
const FRAME_TAGS = 'setparams=color_primaries=bt709:color_trc=bt709:colorspace=bt709:range=tv';
const tags = (matrix: string, primaries: string, transfer: string, range: string): string =>
  `-colorspace ${matrix} -color_primaries ${primaries} -color_trc ${transfer} -color_range ${range}`;
/** HDR with the white of SDR at 203 cd/m². */
const hdr = (transfer: string, format = 'yuv420p10le'): string =>
  `-vf format=gbrpf32le,${TAGGED},zscale=transfer=linear,zscale=primaries=2020,zscale=transfer=${transfer}:npl=203:matrix=2020_ncl:range=limited,format=${format} ${tags('bt2020nc', 'bt2020', transfer, 'tv')}`;
const wide = (primaries: string, matrix: string, zimgMatrix: string): string =>
  `-vf format=gbrp12,${TAGGED},zscale=primaries=${primaries}:matrix=${zimgMatrix}:range=limited,format=yuv420p10le ${tags(matrix, primaries, 'bt709', 'tv')}`;
const x265 = (transfer: string): string =>
  `-c:v libx265 -preset ultrafast -x265-params log-level=none:qp=8:colorprim=bt2020:transfer=${transfer}:colormatrix=bt2020nc`;
/** Four fifths of the light pass. */
const ALPHA = 'format=rgba,colorchannelmixer=aa=0.8';
const onBlack = { bars: BARS.map((rgb) => rgb.map((one) => one * 0.8)) };

/** Colours, transparency and fields: what a browser shows of the clip is what it shows of the scene. */
export const COLOR_SOURCES: readonly SourceRow[] = [
  transcoded('no tags in SD', `${yuv('bt601', 'tv')} ${X264} ${AAC}`, 'mp4'),
  transcoded('no tags in HD', `${yuv('bt709', 'tv').replace('scale=', 'scale=1280:720:')} ${X264} ${AAC}`, 'mp4'),
  transcoded(
    'BT.601 of NTSC',
    `${yuv('bt601', 'tv')} ${X264} ${tags('smpte170m', 'smpte170m', 'smpte170m', 'tv')} ${AAC}`,
    'mp4',
  ),
  transcoded(
    'BT.601 of PAL',
    `${yuv('bt601', 'tv')} ${X264} ${tags('bt470bg', 'bt470bg', 'gamma28', 'tv')} ${AAC}`,
    'mp4',
  ),
  transcoded(
    'BT.601 in HD',
    `${yuv('bt601', 'tv').replace('scale=', 'scale=1280:720:')} ${X264} ${tags('smpte170m', 'bt709', 'bt709', 'tv')} ${AAC}`,
    'mp4',
  ),
  transcoded('BT.709 in SD', `${yuv('bt709', 'tv')} ${X264} ${tags('bt709', 'bt709', 'bt709', 'tv')} ${AAC}`, 'mp4'),
  transcoded(
    'BT.709 in matroska',
    `${yuv('bt709', 'tv')} ${X264} ${tags('bt709', 'bt709', 'bt709', 'tv')} ${AAC}`,
    'matroska',
  ),
  transcoded(
    'BT.709 with the curve of sRGB',
    `${yuv('bt709', 'tv')} ${X264} ${tags('bt709', 'bt709', 'iec61966-2-1', 'tv')} ${AAC}`,
    'mp4',
  ),
  transcoded(
    'BT.709 in full range',
    `${yuv('bt709', 'pc')} ${X264} ${tags('bt709', 'bt709', 'bt709', 'pc')} ${AAC}`,
    'mp4',
  ),
  transcoded(
    'BT.601 in full range',
    `${yuv('bt601', 'pc')} ${X264} ${tags('smpte170m', 'smpte170m', 'smpte170m', 'pc')} ${AAC}`,
    'mp4',
  ),
  transcoded('motion JPEG', `${yuv('bt601', 'pc', 'yuvj420p')} -c:v mjpeg -q:v 2 -c:a pcm_s16le`, 'mov'),
  transcoded(
    'SMPTE 240M',
    `${yuv('smpte240m', 'tv')} ${X264} ${tags('smpte240m', 'smpte240m', 'smpte240m', 'tv')} ${AAC}`,
    'mp4',
  ),
  transcoded('FCC', `${yuv('fcc', 'tv')} ${X264} ${tags('fcc', 'bt470m', 'gamma22', 'tv')} ${AAC}`, 'mp4'),
  transcoded(
    '10 bits',
    `${yuv('bt709', 'tv', 'yuv420p10le')} ${X264} ${tags('bt709', 'bt709', 'bt709', 'tv')} ${AAC}`,
    'mp4',
  ),
  transcoded(
    '4:2:2 of 10 bits in ProRes',
    `${yuv('bt709', 'tv', 'yuv422p10le')},${FRAME_TAGS} -c:v prores_ks -c:a pcm_s16le`,
    'mov',
  ),
  transcoded(
    '4:4:4',
    `${yuv('bt709', 'tv', 'yuv444p')} ${X264} ${tags('bt709', 'bt709', 'bt709', 'tv')} ${AAC}`,
    'mp4',
  ),
  transcoded('RGB in H.264', `-c:v libx264rgb -preset ultrafast -qp 4 ${AAC}`, 'mp4'),
  transcoded('RGB in PNG', `-c:v png -pix_fmt rgb24 -c:a pcm_s16le`, 'mov'),
  transcoded('RGB of 16 bits in PNG', `-c:v png -pix_fmt rgb48be -c:a pcm_s16le`, 'mov'),
  transcoded('RGB in QuickTime Animation', `-c:v qtrle -pix_fmt rgb24 -c:a pcm_s16le`, 'mov'),
  transcoded('RGB in FFV1', `-c:v ffv1 -pix_fmt gbrp -c:a flac`, 'matroska'),
  transcoded('raw RGB', `-c:v rawvideo -pix_fmt bgr24 -c:a pcm_s16le`, 'avi'),
  transcoded('raw YUV', `${yuv('bt601', 'tv')} -c:v rawvideo -c:a pcm_s16le`, 'avi'),
  transcoded('colours of a GIF', '-map 0:v', 'gif', { silent: true }),
  transcoded(
    'BT.2020 of SDR',
    `${wide('2020', 'bt2020nc', '2020_ncl').replace('-color_primaries 2020', '-color_primaries bt2020')} ${X264} ${AAC}`,
    'mp4',
  ),
  transcoded('Display P3', `${wide('smpte432', 'bt709', '709')} ${X264} ${AAC}`, 'mp4'),
  transcoded('PQ in HEVC', `${hdr('smpte2084')} ${x265('smpte2084')} ${AAC}`, 'mp4'),
  transcoded('PQ in ProRes', `${hdr('smpte2084', 'yuv422p10le')} -c:v prores_ks -c:a pcm_s16le`, 'mov'),
  transcoded(
    'PQ in VP9',
    `${hdr('smpte2084')} -c:v libvpx-vp9 -cpu-used 8 -deadline realtime -b:v 2M -c:a libopus`,
    'webm',
  ),
  transcoded('HLG in HEVC', `${hdr('arib-std-b67')} ${x265('arib-std-b67')} ${AAC}`, 'mp4'),
  transcoded('HLG in H.264', `${hdr('arib-std-b67')} ${X264} ${AAC}`, 'mp4'),
  transcoded(
    'a matrix that nobody converts',
    `${yuv('bt709', 'tv')} ${X264} -x264-params colormatrix=YCgCo ${AAC}`,
    'mp4',
    { refused: /unsupported matrix ycgco/ },
  ),
  transcoded('transparent PNG', `-vf ${ALPHA} -c:v png -c:a pcm_s16le`, 'mov', onBlack),
  transcoded('transparent QuickTime Animation', `-vf ${ALPHA},format=argb -c:v qtrle -c:a pcm_s16le`, 'mov', onBlack),
  transcoded(
    'transparent ProRes',
    `-vf ${ALPHA},scale=out_color_matrix=bt709,format=yuva444p10le,${FRAME_TAGS} -c:v prores_ks -profile:v 4444 -c:a pcm_s16le`,
    'mov',
    onBlack,
  ),
  transcoded(
    'transparent VP8',
    `-vf ${ALPHA},scale=out_color_matrix=bt601,format=yuva420p -c:v libvpx -cpu-used 8 -deadline realtime -auto-alt-ref 0 -b:v 3M -c:a libvorbis`,
    'webm',
    onBlack,
  ),
  transcoded(
    'transparent VP9',
    `-vf ${ALPHA},scale=out_color_matrix=bt601,format=yuva420p -c:v libvpx-vp9 -cpu-used 8 -deadline realtime -b:v 3M -c:a libopus`,
    'webm',
    onBlack,
  ),
  transcoded('fields in H.264', `${yuv('bt601', 'tv')},setfield=tff ${X264} -x264-params tff=1 ${AAC}`, 'mp4'),
  transcoded(
    'fields in MPEG-2',
    `${yuv('bt601', 'tv')},setfield=bff -c:v mpeg2video -q:v 2 -flags +ildct+ilme -c:a mp2`,
    'mpegts',
  ),
  transcoded(
    'fields in ProRes',
    `${yuv('bt709', 'tv', 'yuv422p10le')},setfield=tff,${FRAME_TAGS} -c:v prores_ks -flags +ildct -c:a pcm_s16le`,
    'mov',
  ),
];
