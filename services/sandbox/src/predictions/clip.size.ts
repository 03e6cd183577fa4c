/** Pixels of the long side of a clip. A multiple of 2. */
const LONG_SIDE = 640;

/** The size of a clip with this aspect ratio, such as `9:16`. Default: 16:9. */
export function sizeOf(aspectRatio: unknown): { width: number; height: number } {
  const [, across, down] = /^(\d+):(\d+)$/.exec(typeof aspectRatio === 'string' ? aspectRatio : '') ?? ['', '16', '9'];
  const [x, y] = [Number(across) || 16, Number(down) || 9];
  const even = (pixels: number): number => Math.max(16, 2 * Math.round(pixels / 2));
  return x >= y
    ? { width: LONG_SIDE, height: even((LONG_SIDE * y) / x) }
    : { width: even((LONG_SIDE * x) / y), height: LONG_SIDE };
}
