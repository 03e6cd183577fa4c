import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { type Input, type ModelRecord } from './model.record.js';

const ajv = new Ajv({ allErrors: true, strict: false, formats: { uri: true, password: true } });
const compiled = new WeakMap<ModelRecord, ValidateFunction>();

/** One thing that is wrong with an input. */
export interface InputError {
  /** Names of the fields that lead to the value; empty for the whole input. */
  readonly path: readonly string[];
  /** The keyword of JSON schema that it breaks. */
  readonly keyword: string;
  readonly message: string;
  /** The allowed values of an `enum`. */
  readonly allowed?: readonly unknown[];
  /** The field that is not there, for `required`. */
  readonly missing?: string;
}

function errorOf({ instancePath, keyword, params, message = 'is not valid' }: ErrorObject): InputError {
  const { allowedValues, missingProperty } = params as { allowedValues?: unknown; missingProperty?: unknown };
  return {
    path: instancePath.split('/').slice(1),
    keyword,
    message,
    ...(Array.isArray(allowedValues) ? { allowed: allowedValues as unknown[] } : {}),
    ...(typeof missingProperty === 'string' ? { missing: missingProperty } : {}),
  };
}

/** What is wrong with an input; empty when nothing is. Unknown fields are no error here. */
export function inputErrors(model: ModelRecord, input: Input): readonly InputError[] {
  const check = compiled.get(model) ?? ajv.compile(model.Input);
  compiled.set(model, check);
  return check(input) ? [] : (check.errors ?? []).map(errorOf);
}

/** The errors in the form of Replicate's answers. */
export const inputProblemText = (errors: readonly InputError[]): string =>
  errors
    .map(({ path, message, allowed }) => {
      const name = ['input', ...path].join('.');
      return allowed === undefined
        ? `- ${name}: ${message}`
        : `- ${name}: ${path.at(-1) ?? ''} must be one of the following: ${allowed.join(', ')}`;
    })
    .join('\n');

/** {@link inputErrors} in the form of Replicate's answers; undefined when nothing is wrong. */
export function inputProblem(model: ModelRecord, input: Input): string | undefined {
  const errors = inputErrors(model, input);
  return errors.length === 0 ? undefined : inputProblemText(errors);
}

/** The first field that the model does not have. */
export const unknownField = ({ Input: { properties } }: ModelRecord, input: Input): string | undefined =>
  Object.keys(input).find((name) => !(name in properties));
