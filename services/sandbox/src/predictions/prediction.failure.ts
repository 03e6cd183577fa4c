import { type Scenario } from '../control/scenario.rules.js';
import { type InputError, unknownField } from '../models/input.check.js';
import { type Input, type ModelRecord } from '../models/model.record.js';

/** Why a prediction failed. Each provider has its own words for it. */
export type PredictionFailure =
  /** The model does not take this input. */
  | { readonly kind: 'bad-input'; readonly errors: readonly InputError[] }
  | { readonly kind: 'unknown-field'; readonly field: string }
  | { readonly kind: 'input-refused' }
  /** The prediction ran. It costs the same as a success. */
  | { readonly kind: 'output-refused' }
  | { readonly kind: 'service' }
  | { readonly kind: 'image'; readonly problem: string }
  /** An error of the scenario or of the render. */
  | { readonly kind: 'other'; readonly text: string };

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
export const withFields = (model: ModelRecord, more: readonly string[] = []): ModelRecord => ({
  ...model,
  Input: {
    ...model.Input,
    properties: { ...model.Input.properties, ...Object.fromEntries(more.map((name) => [name, { title: name }])) },
  },
});

const promptOf = ({ prompt }: Input): string => (typeof prompt === 'string' ? prompt : '');

/** The failure of the prediction; undefined when it succeeds. */
export function failureFor(
  { inputFields, rejectPrompts, failPrompts }: Scenario,
  { input, model, fails, outputRefused, problem }: CreateContext,
): PredictionFailure | undefined {
  const field = unknownField(withFields(model, inputFields), input);
  const prompt = promptOf(input);
  if (field !== undefined) return { kind: 'unknown-field', field };
  if (rejectPrompts !== undefined && prompt.includes(rejectPrompts)) return { kind: 'input-refused' };
  if (failPrompts !== undefined && prompt.includes(failPrompts.prompts))
    return { kind: 'other', text: failPrompts.error };
  if (outputRefused) return { kind: 'output-refused' };
  if (fails) return { kind: 'service' };
  return problem === undefined ? undefined : { kind: 'image', problem };
}
