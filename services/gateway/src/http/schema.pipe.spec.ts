import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { SchemaPipe } from './schema.pipe.js';

const schema = z.strictObject({ count: z.coerce.number().default(1), name: z.string().optional() });

describe('the schema pipe', () => {
  it('passes on the parsed value, also of a request without a body', () => {
    expect(new SchemaPipe().transform({ count: '2' }, { type: 'body', schema })).toEqual({ count: 2 });
    expect(new SchemaPipe().transform(undefined, { type: 'body', schema })).toEqual({ count: 1 });
  });

  it('throws a 400 that names the invalid field of a body', () => {
    expect(() => new SchemaPipe().transform({ name: 1 }, { type: 'body', schema })).toThrow(
      expect.objectContaining({ status: 400, message: 'name: must be a string, not 1' }),
    );
  });

  it('throws a 400 that names the unknown parameter of a query, also when its schema transforms it', () => {
    for (const query of [schema, schema.transform(({ count }) => count)])
      expect(() => new SchemaPipe(query).transform({ naem: 'x' }, { type: 'query' })).toThrow(
        'naem: unknown parameter; the parameters are count, name; did you mean name?',
      );
  });

  it('leaves a value without a schema as it is', () => {
    expect(new SchemaPipe().transform('x', { type: 'param' })).toBe('x');
  });
});
