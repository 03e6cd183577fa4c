import { z } from 'zod';

/** What no text may contain. */
export const controlCharacters = /[^\P{Cc}\t\n\r]/u;
/** Half of a character that UTF-16 writes in two: JSON can say it, UTF-8 cannot. */
const halfCharacter = /\p{Cs}/u;
/** Whether a text can be written in UTF-8. */
export const whole = (text: string): boolean => !halfCharacter.test(text);

/** Text that people read or models are told. */
export const writing = (max: number): z.ZodString =>
  z
    .string()
    .trim()
    .min(1)
    .max(max)
    .refine((text) => !controlCharacters.test(text), 'it contains control characters')
    .refine(whole, 'it contains half of a character (a lone surrogate)');
