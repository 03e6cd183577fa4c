import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadCanvas } from '../text/drawing/canvas.fonts.js';
import { type FfmpegCall, type RenderInput } from '../commands/media.types.js';
import { animaticCall, type LayerFile } from './animatic.args.js';
import { type Layer, paintLayers, paintSlate } from './layer.painter.js';
import { readScene } from './scene.reader.js';

/** The picture is drawn at this share of the clip's size, because test clips should be cheap. */
const SHRINK = 2;
/** Smaller clips are drawn at their own size. */
const SMALL = 320;

/** Draws the layers of a clip into `dir`, and returns the call that moves them. The same input gives the same call and files. */
export async function prepareAnimatic(input: RenderInput, dir: string): Promise<FfmpegCall> {
  const skia = await loadCanvas();
  const scene = readScene(input.label, input.seed);
  const shrink = Math.min(input.width, input.height) <= SMALL ? 1 : SHRINK;
  const frame = {
    width: Math.max(32, Math.ceil(input.width / shrink / 2) * 2),
    height: Math.max(32, Math.ceil(input.height / shrink / 2) * 2),
  };
  const save = async (name: string, { rgba, ...place }: Layer): Promise<LayerFile> => {
    const file = join(dir, `${name}.rgba`);
    await writeFile(file, rgba);
    return { ...place, file };
  };
  const { ground, middle, product, front } = paintLayers(skia, scene, frame);
  const slate = await save('slate', paintSlate(skia, scene, input));
  const layers =
    input.image === undefined
      ? {
          ground: await save('ground', ground),
          middle: await save('middle', middle),
          product: await save('product', product),
          front: await save('front', front),
        }
      : { image: input.image };
  return animaticCall({ input, scene, frame, layers, slate });
}
