/** Position of a JSON syntax error. Lines and columns start at 1; a column counts UTF-16 units. */
export interface JsonError {
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

type Expected = 'value' | 'value or ]' | 'key' | 'key or }' | ':' | ', or ]' | ', or }' | 'end';
const LABELS: Readonly<Record<Expected, string>> = {
  value: 'a value',
  'value or ]': 'a value or ]',
  key: 'a field name in double quotes',
  'key or }': 'a field name in double quotes or }',
  ':': '":" after the field name',
  ', or ]': '"," or ]',
  ', or }': '"," or }',
  end: 'the end of the body',
};
const SPACE = /[ \t\n\r]*/y;
const SCALAR = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;

/** The end of a sticky pattern's match at `at`. Undefined without a match. */
function matchEnd(pattern: RegExp, text: string, at: number): number | undefined {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : undefined;
}

/** The end of the string that starts at `at`, or the position and reason of its error. */
function stringEnd(text: string, at: number): { readonly end: number; readonly why?: string } {
  for (let next = at + 1; next < text.length; next += 1) {
    const character = text[next] ?? '';
    if (character === '"') return { end: next + 1 };
    if (character < ' ')
      return { end: next, why: 'a line break or control character in a string; escape it as \\n or \\u' };
    if (character !== '\\') continue;
    const end = matchEnd(ESCAPE, text, next);
    if (end === undefined) return { end: next, why: 'an invalid escape sequence' };
    next = end - 1;
  }
  return { end: text.length, why: 'a string without a closing quote' };
}

/** The first syntax error of a text by RFC 8259, found in one pass. Undefined when the text is JSON. */
export function jsonErrorOf(text: string): JsonError | undefined {
  const open: ('[' | '{')[] = [];
  let expected: Expected = 'value';
  let at = text.startsWith('\ufeff') ? 1 : 0;
  const after = (): Expected => (open.length === 0 ? 'end' : open.at(-1) === '[' ? ', or ]' : ', or }');
  for (;;) {
    at = matchEnd(SPACE, text, at) ?? at;
    const character = text[at];
    if (character === undefined)
      return expected === 'end' ? undefined : errorAt(text, at, `the body ends where ${LABELS[expected]} is expected`);
    const unexpected = (): JsonError =>
      errorAt(text, at, `${describeCharacter(text, at)} where ${LABELS[expected]} is expected`);
    const closes = character === ']' || character === '}' ? character : undefined;
    if (closes !== undefined) {
      if (!expected.endsWith(`or ${closes}`)) return unexpected();
      open.pop();
      expected = after();
      at += 1;
    } else if (character === ',') {
      if (!expected.startsWith(',')) return unexpected();
      expected = open.at(-1) === '[' ? 'value' : 'key';
      at += 1;
    } else if (character === ':') {
      if (expected !== ':') return unexpected();
      expected = 'value';
      at += 1;
    } else if (character === '"') {
      if (!/^(value|key)/.test(expected)) return unexpected();
      const { end, why } = stringEnd(text, at);
      if (why !== undefined) return errorAt(text, end, why);
      expected = expected.startsWith('key') ? ':' : after();
      at = end;
    } else if (!expected.startsWith('value')) {
      return unexpected();
    } else if (character === '[' || character === '{') {
      open.push(character);
      expected = character === '[' ? 'value or ]' : 'key or }';
      at += 1;
    } else {
      const end = matchEnd(SCALAR, text, at);
      if (end === undefined) return unexpected();
      expected = after();
      at = end;
    }
  }
}

const describeCharacter = (text: string, at: number): string => {
  const character = String.fromCodePoint(text.codePointAt(at) ?? 0);
  return /[\p{L}\p{N}\p{P}\p{S}]/u.test(character) ? character : 'another character';
};

function errorAt(text: string, at: number, message: string): JsonError {
  let line = 1;
  let lineStart = 0;
  for (let end = text.indexOf('\n'); end >= 0 && end < at; end = text.indexOf('\n', lineStart)) {
    line += 1;
    lineStart = end + 1;
  }
  return { line, column: at - lineStart + 1, message };
}
