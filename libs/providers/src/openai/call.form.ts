/** The request field that carries the token limit. */
export type MaxTokensField = 'max_completion_tokens' | 'max_tokens';

/** The form of a chat request: which optional fields it has. A server that refuses one gets a weaker form. */
export interface CallForm {
  /** How the answer is bound to the plan's schema. `text`: no `response_format`. */
  readonly format: 'json_schema' | 'json_object' | 'text';
  /** Whether the prompt contains the schema. */
  readonly describesSchema: boolean;
  /** The first one is sent; the others may replace it. Empty: no limit is sent. */
  readonly maxTokensFields: readonly MaxTokensField[];
  /** Whether `store` and `metadata` are sent. */
  readonly stores: boolean;
}
/** A part of the form that a server can refuse. */
export type FormPart = 'format' | 'maxTokensFields' | 'stores';

/** The form of the first call to a server. `none`: no token limit is sent. */
export const firstForm = (field: MaxTokensField | 'none', stores: boolean): CallForm => ({
  format: 'json_schema',
  describesSchema: false,
  maxTokensFields:
    field === 'none'
      ? []
      : field === 'max_tokens'
        ? ['max_tokens', 'max_completion_tokens']
        : ['max_completion_tokens', 'max_tokens'],
  stores,
});

/**
 * The form without the refused parts: the next weaker format, the other field for the token limit, no storing. A token limit is never
 * dropped, because it bounds the cost. Undefined when nothing is left to replace.
 */
export function weakerForm(form: CallForm, refused: ReadonlySet<FormPart>): CallForm | undefined {
  const { format, maxTokensFields, stores } = form;
  const changes: Partial<CallForm> = {
    ...(refused.has('format') && format !== 'text'
      ? { format: format === 'json_schema' ? 'json_object' : 'text', describesSchema: true }
      : {}),
    ...(refused.has('maxTokensFields') && maxTokensFields.length > 1
      ? { maxTokensFields: maxTokensFields.slice(1) }
      : {}),
    ...(refused.has('stores') && stores ? { stores: false } : {}),
  };
  return Object.keys(changes).length === 0 ? undefined : { ...form, ...changes };
}
