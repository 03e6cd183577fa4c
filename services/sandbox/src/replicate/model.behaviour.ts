import { type Input, type ModelRecord } from '../models/model.record.js';
import { unknownField } from '../models/input.check.js';
import { type Scenario } from '../control/scenario.rules.js';

/** The message of ByteDance's models. */
export const OUTPUT_REFUSED = 'The request failed because the output video may contain sensitive information.';

/** The parts of a create that decide how the prediction ends. */
export interface CreateContext {
  readonly input: Input;
  readonly model: ModelRecord;
  /** Whether `failEvery` of the scenario applies. */
  readonly fails: boolean;
  readonly outputRefused: boolean;
  /** The problem of the image; undefined when there is none. */
  readonly problem: string | undefined;
}

/** The model with additional input fields of the scenario. */
const withFields = (model: ModelRecord, more: readonly string[] = []): ModelRecord => ({
  ...model,
  Input: {
    ...model.Input,
    properties: { ...model.Input.properties, ...Object.fromEntries(more.map((name) => [name, { title: name }])) },
  },
});

const promptOf = ({ prompt }: Input): string => (typeof prompt === 'string' ? prompt : '');

/** The error of the prediction, in the form of real services; undefined when it succeeds. */
export function failureFor(
  { inputFields, rejectPrompts, failPrompts }: Scenario,
  { input, model, fails, outputRefused, problem }: CreateContext,
): string | undefined {
  const unknown = unknownField(withFields(model, inputFields), input);
  const prompt = promptOf(input);
  // Cog accepts an unknown field, and fails when it calls `predict`.
  if (unknown !== undefined) return `Predictor.predict() got an unexpected keyword argument '${unknown}'`;
  if (rejectPrompts !== undefined && prompt.includes(rejectPrompts)) return 'flagged as sensitive (E005)';
  if (failPrompts !== undefined && prompt.includes(failPrompts.prompts)) return failPrompts.error;
  if (outputRefused) return OUTPUT_REFUSED;
  if (fails) return 'Director: unexpected error handling prediction (E9243)';
  return problem === undefined ? undefined : `Prediction failed: ${problem}`;
}

/** The part of a model's OpenAPI document that clients read: the input fields. */
export const openapiSchema = (model: ModelRecord, more: readonly string[] | undefined): object => ({
  components: { schemas: { Input: withFields(model, more).Input } },
});
