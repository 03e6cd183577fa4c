import { BASE, ffmpeg } from './source.maker.js';

/** A source clip: how it is made, and what comes out. */
export interface SourceRow {
  readonly name: string;
  /** Writes the clip into the folder. */
  readonly make: (dir: string, file: string) => Promise<void>;
  /** Why it is refused. Default: a scene is made of it. */
  readonly refused?: RegExp | undefined;
  /** A part of the only warning. Default: there is none. */
  readonly warning?: RegExp;
  /** Whether the beep is heard. Default: yes. */
  readonly silent?: boolean;
  /** Whether the flash is seen. Default: yes. */
  readonly steady?: boolean;
  /** Largest difference of a colour, of 255. Default: 12. */
  readonly tolerance?: number;
  /** The bars, when they are not those of the base. */
  readonly bars?: readonly (readonly number[])[];
}
type Options = Omit<SourceRow, 'name' | 'make'>;

/** Divides arguments at spaces. */
const words = (args: string): string[] => args.split(' ').filter((word) => word !== '');

/** A clip of the base, encoded by `args` in the `format`. */
export const transcoded = (name: string, args: string, format: string, options: Options = {}): SourceRow => ({
  name,
  make: (dir, file) => ffmpeg(dir, ['-i', BASE.picture, '-i', BASE.sound, ...words(args), '-f', format, file]),
  ...options,
});

/** A clip of several calls of ffmpeg. `FILE` stands for the clip. */
export const made = (name: string, calls: readonly string[], options: Options = {}): SourceRow => ({
  name,
  make: async (dir, file) => {
    for (const call of calls)
      await ffmpeg(
        dir,
        words(call).map((word) => (word === 'FILE' ? file : word)),
      );
  },
  ...options,
});
