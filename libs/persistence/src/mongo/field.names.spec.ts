import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decodeNames, encodeNames } from './field.names.js';

const names = fc.oneof(
  fc.string(),
  fc.constantFrom('$set', 'a.b', '%24', '%', '\0', '__proto__', '$', '.', '%2', 'constructor', '_bsontype'),
);
const json = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom(null, true, 0, 1.5, ''),
    fc.string(),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.array(fc.tuple(names, tie('value')), { maxLength: 4 }).map((pairs) => Object.fromEntries(pairs) as unknown),
  ),
})).value;

const namesIn = (value: unknown): string[] =>
  typeof value !== 'object' || value === null
    ? []
    : Object.entries(value).flatMap(([name, item]) => [...(Array.isArray(value) ? [] : [name]), ...namesIn(item)]);

it('round-trips every JSON value', () => {
  fc.assert(
    fc.property(json, (value) => {
      expect(JSON.stringify(decodeNames(encodeNames(value)))).toBe(JSON.stringify(value));
    }),
  );
});

it('leaves no name with a special meaning in MongoDB', () => {
  fc.assert(
    fc.property(json, (value) => {
      expect(
        namesIn(encodeNames(value)).filter((name) => /[$.\0]|^(__proto__|constructor|_bsontype)$/.test(name)),
      ).toEqual([]);
    }),
  );
});

it('omits undefined fields, as JSON does', () => {
  expect(encodeNames({ a: undefined, b: [{ c: undefined }] })).toEqual({ b: [{}] });
});
