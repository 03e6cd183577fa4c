import { type CreateBody } from './prediction.request.js';
import { type SandboxModel } from '../control/pricing.js';
import { type Scenario } from '../control/scenario.rules.js';

/** The message of ByteDance's models. */
export const OUTPUT_REFUSED = 'The request failed because the output video may contain sensitive information.';

/** The parts of a create that decide how the prediction ends. */
export interface CreateContext {
  readonly input: CreateBody['input'];
  readonly model: SandboxModel;
  /** Whether `failEvery` of the scenario applies. */
  readonly fails: boolean;
  readonly outputRefused: boolean;
  /** The problem of the image; undefined when there is none. */
  readonly problem: string | undefined;
}

/** The input fields of a model. */
function fieldsOf(model: SandboxModel, more: readonly string[] = []): string[] {
  return ['prompt', 'duration', 'aspect_ratio', 'seed', model.image, ...more];
}

/** The error of the prediction, in the form of real services; undefined when it succeeds. */
export function failureFor(
  { inputFields, rejectPrompts, failPrompts }: Scenario,
  { input, model, fails, outputRefused, problem }: CreateContext,
): string | undefined {
  const fields = fieldsOf(model, inputFields);
  const unknown = Object.keys(input).find((name) => !fields.includes(name));
  // Cog accepts an unknown field, and fails when it calls `predict`.
  if (unknown !== undefined) return `Predictor.predict() got an unexpected keyword argument '${unknown}'`;
  if (rejectPrompts !== undefined && input.prompt.includes(rejectPrompts)) return 'flagged as sensitive (E005)';
  if (failPrompts !== undefined && input.prompt.includes(failPrompts.prompts)) return failPrompts.error;
  if (outputRefused) return OUTPUT_REFUSED;
  if (fails) return 'Director: unexpected error handling prediction (E9243)';
  return problem === undefined ? undefined : `Prediction failed: ${problem}`;
}

/** The part of a model's OpenAPI document that clients read: the input fields. */
export function openapiSchema(model: SandboxModel, more: readonly string[] | undefined): object {
  const properties = Object.fromEntries(fieldsOf(model, more).map((name) => [name, { title: name }]));
  return { components: { schemas: { Input: { type: 'object', required: ['prompt'], properties } } } };
}
