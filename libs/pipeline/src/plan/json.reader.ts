/** A JSON value in a text; or the text ends inside it (`unclosed`); or there is no JSON (`malformed`). */
export type JsonReading =
  | { readonly kind: 'value'; readonly value: unknown; readonly end: number }
  | { readonly kind: 'unclosed' }
  | { readonly kind: 'malformed' };

/** Maximum nesting depth. */
const MAX_LEVELS = 64;
/** The search ends after this many opening brackets that do not begin a value. */
const MAX_FAILURES = 100;

class JsonSyntaxError extends Error {
  constructor(readonly kind: 'unclosed' | 'malformed') {
    super(kind);
  }
}

/** Closing quotation marks, by the opening one. */
const QUOTES: Readonly<Record<string, string>> = { '"': '"', "'": "'", '“': '”', '„': '“' };
const ESCAPES: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };
const WORDS: Readonly<Record<string, unknown>> = {
  ...{ true: true, True: true, false: false, False: false },
  ...{ null: null, None: null, undefined: null, NaN: null, Infinity: null },
};
const BLANK = /(?:\s|\/\/[^\n]*|\/\*[\s\S]*?\*\/)*/uy;
const NUMBER = /[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/uy;
const WORD = /[\p{L}_$][\p{L}\p{N}_$-]*/uy;
const HEX = /[0-9a-fA-F]{4}/uy;
/** What follows a closing quotation mark. A mark before anything else is part of the string. */
const AFTER_STRING = /\s*(?:[,:}\]/]|$)|[^\S\n]*\n\s*["'“„{[]/uy;

/**
 * Reads the value that begins at `start`. Beyond JSON it accepts what language models write: comments, extra or missing
 * commas, line breaks and unescaped quotation marks in strings, typographic quotation marks, unquoted keys, Python's
 * constants.
 */
export function readJsonAt(text: string, start: number): JsonReading {
  let at = start;

  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0];
    if (found !== undefined) at += found.length;
    return found;
  };
  /** The next character that is not blank. */
  const next = (): string => {
    match(BLANK);
    if (at >= text.length) throw new JsonSyntaxError('unclosed');
    return text.charAt(at);
  };
  const isAfterString = (): boolean => {
    AFTER_STRING.lastIndex = at;
    return AFTER_STRING.test(text);
  };

  const readEscape = (): string => {
    const letter = text.charAt(at);
    at += 1;
    if (letter !== 'u') return ESCAPES[letter] ?? letter;
    const hex = match(HEX);
    return hex === undefined ? letter : String.fromCharCode(Number.parseInt(hex, 16));
  };
  const readString = (): string => {
    const closing = QUOTES[text.charAt(at)];
    at += 1;
    let read = '';
    while (at < text.length) {
      const character = text.charAt(at);
      at += 1;
      if (character === '\\') read += readEscape();
      else if (character === closing && isAfterString()) return read;
      else read += character;
    }
    throw new JsonSyntaxError('unclosed');
  };
  const readWord = (): string => {
    const word = match(WORD);
    if (word === undefined) throw new JsonSyntaxError('malformed');
    return word;
  };
  const readObject = (level: number): object => {
    const entries: [string, unknown][] = [];
    at += 1;
    for (;;) {
      const character = next();
      if (character === '}' || character === ',') {
        at += 1;
        if (character === '}') return Object.fromEntries(entries);
        continue;
      }
      const key = character in QUOTES ? readString() : readWord();
      if (next() !== ':') throw new JsonSyntaxError('malformed');
      at += 1;
      entries.push([key, readValue(level)]);
    }
  };
  const readArray = (level: number): unknown[] => {
    const items: unknown[] = [];
    at += 1;
    for (;;) {
      const character = next();
      if (character === ']' || character === ',') {
        at += 1;
        if (character === ']') return items;
        continue;
      }
      items.push(readValue(level));
    }
  };
  const readValue = (level: number): unknown => {
    if (level > MAX_LEVELS) throw new JsonSyntaxError('malformed');
    const character = next();
    if (character === '{') return readObject(level + 1);
    if (character === '[') return readArray(level + 1);
    if (character in QUOTES) return readString();
    const digits = match(NUMBER);
    if (digits !== undefined) return Number(digits);
    const word = readWord();
    if (!Object.hasOwn(WORDS, word)) throw new JsonSyntaxError('malformed');
    return WORDS[word];
  };

  try {
    const value = readValue(0);
    return { kind: 'value', value, end: at };
  } catch (error) {
    if (error instanceof JsonSyntaxError) return { kind: error.kind };
    throw error;
  }
}

/** JSON values in a text. */
export interface FoundJson {
  /** Objects and lists, only the outermost ones, in order. */
  readonly values: readonly unknown[];
  /** The text ends inside a value. */
  readonly unclosed: boolean;
}

/** The JSON values in a text, whatever surrounds them. A text that is JSON is parsed as it is. */
export function findJson(text: string): FoundJson {
  try {
    return { values: [JSON.parse(text) as unknown], unclosed: false };
  } catch {
    // The text is not only JSON.
  }
  const values: unknown[] = [];
  const opening = /[{[]/gu;
  for (let failures = 0; failures < MAX_FAILURES;) {
    const at = opening.exec(text)?.index;
    if (at === undefined) break;
    const reading = readJsonAt(text, at);
    if (reading.kind === 'unclosed') return { values, unclosed: true };
    if (reading.kind === 'malformed') failures += 1;
    else {
      opening.lastIndex = reading.end;
      // A list after an unreadable value may be part of that value.
      if (failures === 0 || !Array.isArray(reading.value)) values.push(reading.value);
    }
  }
  return { values, unclosed: false };
}
