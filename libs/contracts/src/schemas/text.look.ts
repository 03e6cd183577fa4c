import { z } from 'zod';

/** Looks of a text. Fonts, outlines and backgrounds belong to a look; its other values can be changed for each text. */
export const TEXT_LOOKS = {
  classic: { color: '#ffffff', animation: 'fade', fontSizePt: 56, exit: 'none' },
  bold: { color: '#ffffff', animation: 'pop', fontSizePt: 84, exit: 'none' },
  clean: { color: '#111111', animation: 'slide', fontSizePt: 48, exit: 'fade' },
  elegant: { color: '#fff4e0', animation: 'fade', fontSizePt: 60, exit: 'fade' },
  neon: { color: '#7dfcff', animation: 'pop', fontSizePt: 60, exit: 'fade' },
  karaoke: { color: '#ffffff', animation: 'words', fontSizePt: 64, exit: 'none' },
} as const;
export type TextLook = keyof typeof TEXT_LOOKS;
const lookNames = Object.keys(TEXT_LOOKS) as [TextLook, ...TextLook[]];
export const textLookSchema = z.enum(lookNames);
