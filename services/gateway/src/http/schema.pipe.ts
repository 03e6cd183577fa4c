import { type ArgumentMetadata, type PipeTransform } from '@nestjs/common';
import { z } from 'zod';
import { checkValue, fieldsOf } from './problems/issue.text.js';
import { badFields, refuseUnknownParameters } from './problems/problem.js';

/**
 * Validates a parameter by a schema, and passes on the parsed value: by the schema of its declaration (`@Body({ schema })`), or
 * by `own` for a query, whose parameters `@ApiQuery` documents. Without a schema the value stays as it is. Throws a 400 that
 * names each invalid field.
 */
export class SchemaPipe implements PipeTransform {
  constructor(private readonly own?: z.ZodType) {}

  transform(value: unknown, { schema = this.own, type }: ArgumentMetadata): unknown {
    if (!(schema instanceof z.ZodType)) return value;
    const given = value ?? {};
    if (type === 'query') refuseUnknownParameters(given, fieldsOf(schema));
    const checked = checkValue(schema, given);
    if (checked.ok) return checked.value;
    throw badFields(checked.errors);
  }
}
