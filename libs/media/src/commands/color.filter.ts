import { type Probe } from '../verify/probe.parse.js';

type Video = NonNullable<Probe['video']>;

/** How the numbers of a picture mean colours, in ffmpeg's names. */
export interface SourceColor {
  /** `gbr`: the numbers are red, green and blue. */
  readonly matrix: string;
  readonly primaries: string;
  readonly transfer: string;
  readonly range: 'tv' | 'pc';
}

/** Matrices that ffmpeg's scale filter converts, and its names for them. */
const SCALE_MATRIX: Readonly<Record<string, string>> = {
  bt709: 'bt709',
  smpte170m: 'bt601',
  bt470bg: 'bt601',
  fcc: 'fcc',
  smpte240m: 'smpte240m',
  bt2020nc: 'bt2020',
  bt2020c: 'bt2020',
};
const HDR_TRANSFERS: ReadonlySet<string> = new Set(['smpte2084', 'arib-std-b67']);
/** Wider than BT.709. Browsers ignore the small differences of the others. */
const WIDE_PRIMARIES: ReadonlySet<string> = new Set(['bt2020', 'smpte431', 'smpte432']);
/** From this height on, browsers take pictures without tags as BT.709. */
const HD_HEIGHT = 720;
/** Luminance of the white of SDR in HDR pictures, cd/m² (ITU-R BT.2408). */
const WHITE_NITS = 203;

const isKnown = (tag: string | undefined): tag is string =>
  tag !== undefined && !['unknown', 'unspecified', 'reserved'].includes(tag);
const isRgb = (pixelFormat: string): boolean =>
  /^(?:gbr|rgb|bgr|argb|abgr|0rgb|0bgr|pal8|x2rgb|x2bgr)/u.test(pixelFormat);
const isFullByFormat = (pixelFormat: string): boolean => /^(?:yuvj|gray|ya)/u.test(pixelFormat) || isRgb(pixelFormat);

/** The colours of a video stream by its tags; without tags by its size, as browsers guess them. */
export function sourceColor({ pixelFormat, height, color }: Video): SourceColor {
  const isHdr = HDR_TRANSFERS.has(color.transfer ?? '');
  const guess = isHdr ? 'bt2020nc' : height < HD_HEIGHT ? 'smpte170m' : 'bt709';
  const matrix = isRgb(pixelFormat) ? 'gbr' : isKnown(color.matrix) ? color.matrix : guess;
  return {
    matrix,
    primaries: isKnown(color.primaries) ? color.primaries : isHdr || matrix.startsWith('bt2020') ? 'bt2020' : 'bt709',
    transfer: isHdr ? (color.transfer ?? '') : 'bt709',
    range: color.range === 'pc' || (!isKnown(color.range) && isFullByFormat(pixelFormat)) ? 'pc' : 'tv',
  };
}

/** The reason why the colours of a stream cannot be converted; undefined when they can. */
export function colorProblem(video: Video): string | undefined {
  const { matrix } = sourceColor(video);
  return matrix === 'gbr' || matrix in SCALE_MATRIX ? undefined : `its colours have the unsupported matrix ${matrix}`;
}

/** Filters for `[0:v]` that lay transparent pictures on black. They run before the scaling, which would mix hidden colours in. */
export function alphaFilters(video: Video): string[] {
  if (!video.hasAlpha) return [];
  const { matrix, range } = sourceColor(video);
  return [
    `scale=in_color_matrix=${SCALE_MATRIX[matrix] ?? 'auto'}:in_range=${range}`,
    'format=gbrap',
    'premultiply=inplace=1',
    'format=gbrp',
  ];
}

/** Filters that scale pictures and convert them to BT.709 in limited range. HDR is tone-mapped at the new size; its white stays white. */
export function scaleFilters(video: Video, size: { readonly width: number; readonly height: number }): string[] {
  const source = sourceColor(video);
  const matrix = video.hasAlpha ? 'gbr' : source.matrix;
  const range = video.hasAlpha ? 'pc' : source.range;
  const scale = `scale=${size.width}:${size.height}`;
  const isHdr = HDR_TRANSFERS.has(source.transfer);
  if (!isHdr && !WIDE_PRIMARIES.has(source.primaries)) {
    const isSame = matrix === 'bt709' && range === 'tv';
    const from = `in_color_matrix=${SCALE_MATRIX[matrix] ?? 'auto'}:in_range=${range}`;
    return [
      `${scale}:flags=bicubic${isSame ? '' : '+accurate_rnd+full_chroma_int'}:${from}:out_color_matrix=bt709:out_range=tv`,
      'format=yuv420p',
    ];
  }
  const { primaries, transfer } = source;
  return [
    `${scale}:flags=bicubic`,
    ...(matrix === 'gbr' ? ['format=gbrp12'] : []),
    `setparams=color_primaries=${primaries}:color_trc=${transfer}:colorspace=${matrix}:range=${range}`,
    `zscale=transfer=linear:npl=${WHITE_NITS}`,
    'format=gbrpf32le',
    'zscale=primaries=bt709',
    // Linear up to 95 % of white; everything above is compressed into the rest.
    ...(isHdr ? ['tonemap=mobius:param=0.95:peak=10:desat=0'] : []),
    'zscale=transfer=bt709:matrix=bt709:range=limited',
    'format=yuv420p',
  ];
}

/** Tags pictures as what {@link scaleFilters} makes of them. */
export const TAG_FILTER = 'setparams=color_primaries=bt709:color_trc=bt709:colorspace=bt709:range=tv';
/** Options of the encoder for the same tags in the bitstream and in the container. */
export const TAG_OPTIONS = [
  ...['-color_primaries', 'bt709', '-color_trc', 'bt709', '-colorspace', 'bt709', '-color_range', 'tv'],
] as const;
