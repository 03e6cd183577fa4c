import { type CreateBody } from './prediction.request.js';
import { type SandboxModel } from './pricing.js';
import { type Scenario } from './scenario.rules.js';

/** As the models of ByteDance say it. */
export const OUTPUT_REFUSED = 'The request failed because the output video may contain sensitive information.';

/** What a create is asked for, as far as it decides how the prediction ends. */
export interface Asked {
  readonly input: CreateBody['input'];
  readonly model: SandboxModel;
  /** Whether it is one of every n that fail. */
  readonly fails: boolean;
  readonly outputRefused: boolean;
  /** What is wrong with its picture. */
  readonly problem: string | undefined;
}

/** The fields that `predict` of a model names. */
function fieldsOf(model: SandboxModel, more: readonly string[] = []): string[] {
  return ['prompt', 'duration', 'aspect_ratio', 'seed', model.image, ...more];
}

/** Why the prediction is to fail, in the words of the real services; undefined: it succeeds. */
export function failureFor(
  { inputFields, rejectPrompts, failPrompts }: Scenario,
  { input, model, fails, outputRefused, problem }: Asked,
): string | undefined {
  const fields = fieldsOf(model, inputFields);
  const unknown = Object.keys(input).find((name) => !fields.includes(name));
  // Cog takes it, and fails when `predict` is called.
  if (unknown !== undefined) return `Predictor.predict() got an unexpected keyword argument '${unknown}'`;
  if (rejectPrompts !== undefined && input.prompt.includes(rejectPrompts)) return 'flagged as sensitive (E005)';
  if (failPrompts !== undefined && input.prompt.includes(failPrompts.prompts)) return failPrompts.error;
  if (outputRefused) return OUTPUT_REFUSED;
  if (fails) return 'Director: unexpected error handling prediction (E9243)';
  return problem === undefined ? undefined : `Prediction failed: ${problem}`;
}

/** The OpenAPI document of a model, as far as anybody reads it: the fields of its input. */
export function openapiSchema(model: SandboxModel, more: readonly string[] | undefined): object {
  const properties = Object.fromEntries(fieldsOf(model, more).map((name) => [name, { title: name }]));
  return { components: { schemas: { Input: { type: 'object', required: ['prompt'], properties } } } };
}
