import { z } from 'zod';

/** Matches control characters other than tab and line breaks. */
export const controlCharacters = /[^\P{Cc}\t\n\r]/u;
/** Matches a lone surrogate. JSON can contain it, UTF-8 cannot. */
const halfCharacter = /\p{Cs}/u;
/** Whether a text can be encoded in UTF-8. */
export const isWellFormed = (text: string): boolean => !halfCharacter.test(text);

/** Text for people or models: 1 to `max` UTF-16 units, trimmed. */
export const textSchema = (max: number): z.ZodString =>
  z
    .string()
    .trim()
    .min(1)
    .max(max)
    .refine((text) => !controlCharacters.test(text), 'it contains control characters')
    .refine(isWellFormed, 'it contains a lone surrogate');

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });
/** A cut moves back to the last space if at least this share of the text remains. */
const WORD_SHARE = 0.6;

/**
 * The start of a text, at most `max` UTF-16 units including the closing `…`. Never cuts inside a grapheme (surrogate pairs,
 * combining marks, flags and joined emoji stay whole). Cuts between two words if a space is near.
 */
export function cutText(text: string, max: number): string {
  if (text.length <= max) return text;
  if (max < 1) return '';
  const at = graphemes.segment(text).containing(max - 1)?.index ?? 0;
  const head = text.slice(0, at);
  const space = /\s/u.test(text.charAt(at)) ? at : head.search(/\s\S*$/u);
  return `${(space >= at * WORD_SHARE ? head.slice(0, space) : head).trimEnd()}…`;
}

/** The end of a text, at most `max` UTF-16 units including the opening `…`. Never cuts inside a grapheme. */
export function cutStart(text: string, max: number): string {
  if (text.length <= max) return text;
  if (max < 1) return '';
  const from = text.length - max + 1;
  if (from >= text.length) return '…';
  const character = graphemes.segment(text).containing(from);
  const at = character === undefined || character.index === from ? from : character.index + character.segment.length;
  return `…${text.slice(at)}`;
}

/** Replaces control characters by spaces and removes lone surrogates. */
export function cleanText(text: string): string {
  return text.replace(new RegExp(controlCharacters, 'gu'), ' ').replace(/\p{Cs}/gu, '');
}
