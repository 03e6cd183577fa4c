import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { type Input, type ModelRecord } from './model.record.js';

const ajv = new Ajv({ allErrors: true, strict: false, formats: { uri: true } });
const compiled = new WeakMap<ModelRecord, ValidateFunction>();

function problemOf({ instancePath, keyword, params, message = 'is not valid' }: ErrorObject): string {
  const name = ['input', ...instancePath.split('/').slice(1)].join('.');
  const allowed: unknown = (params as { allowedValues?: unknown }).allowedValues;
  if (keyword === 'enum' && Array.isArray(allowed))
    return `- ${name}: ${name.split('.').at(-1) ?? ''} must be one of the following: ${allowed.join(', ')}`;
  return `- ${name}: ${message}`;
}

/** What is wrong with an input, in the form of Replicate's answers; undefined when nothing is. Unknown fields are no problem here. */
export function inputProblem(model: ModelRecord, input: Input): string | undefined {
  const check = compiled.get(model) ?? ajv.compile(model.Input);
  compiled.set(model, check);
  return check(input) ? undefined : (check.errors ?? []).map(problemOf).join('\n');
}

/** The first field that the model does not have. */
export const unknownField = ({ Input: { properties } }: ModelRecord, input: Input): string | undefined =>
  Object.keys(input).find((name) => !(name in properties));
