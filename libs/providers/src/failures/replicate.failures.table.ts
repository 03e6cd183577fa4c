import { type FailureKind } from './failure.kinds.js';

interface Row {
  readonly kind: FailureKind;
  /** Where the code or the text is documented or quoted. */
  readonly source: string;
}

const REPLICATE = 'https://replicate.com/docs/reference/error-codes';
const MODELARK = 'https://docs.byteplus.com/id/docs/ModelArk/1299023';
const FAL = 'https://docs.fal.ai/errors';
const VEO = 'https://cloud.google.com/vertex-ai/generative-ai/docs/video/responsible-ai-and-usage-guidelines';
const MINIMAX = 'https://platform.minimaxi.com/docs/api-reference/video-generation-v2-regeneration';
const BFL = 'https://docs.bfl.ai/api_integration/errors';
const OPENAI = 'https://platform.openai.com/docs/guides/error-codes';
const PUTER = 'https://github.com/HeyPuter/puter/pull/3719';
const POLLINATIONS = 'https://github.com/pollinations/pollinations/pull/10801';
const STABLE_DIFFUSION = 'https://github.com/replicate/cog-stable-diffusion/pull/24';
const SEEN = 'quoted in public clients of Replicate and of the models behind it, read 2026-11';

const of = (kind: FailureKind, source: string): Row => ({ kind, source });

/** Codes of Replicate and of the services behind its models. A code takes precedence over a text. */
export const REPLICATE_FAILURE_CODES: Readonly<Record<string, Row>> = {
  E003: of('service', SEEN),
  E004: of('service', SEEN),
  // "The input or output was flagged" does not say which of them; a retry would cost money.
  E005: of('input-refused', POLLINATIONS),
  E006: of('bad-input', SEEN),
  E1000: of('service', REPLICATE),
  // Out of memory: "typically occurs when your input is too large".
  E1001: of('model-failed', REPLICATE),
  E4875: of('bad-input', REPLICATE),
  E6716: of('service', REPLICATE),
  E8367: of('service', REPLICATE),
  E8765: of('service', REPLICATE),
  E9243: of('service', REPLICATE),
  E9825: of('service', REPLICATE),
  E9828: of('service', SEEN),
  PA: of('service', SEEN),
  SensitiveContentDetected: of('input-refused', MODELARK),
  InputTextSensitiveContentDetected: of('input-refused', MODELARK),
  InputImageSensitiveContentDetected: of('input-refused', MODELARK),
  InputVideoSensitiveContentDetected: of('input-refused', MODELARK),
  InputTextRiskDetection: of('input-refused', MODELARK),
  InputImageRiskDetection: of('input-refused', MODELARK),
  OutputVideoSensitiveContentDetected: of('output-refused', MODELARK),
  OutputAudioSensitiveContentDetected: of('output-refused', MODELARK),
  OutputImageSensitiveContentDetected: of('output-refused', MODELARK),
  OutputVideoRiskDetection: of('output-refused', MODELARK),
  ContentSecurityDetectionError: of('service', MODELARK),
  ServerOverloaded: of('service', MODELARK),
  InternalServiceError: of('service', MODELARK),
  content_policy_violation: of('input-refused', FAL),
  downstream_service_error: of('service', FAL),
  downstream_service_unavailable: of('service', FAL),
  internal_server_error: of('service', FAL),
  file_download_error: of('file-unreachable', FAL),
  no_media_generated: of('model-failed', FAL),
  moderation_blocked: of('input-refused', OPENAI),
  content_filter: of('input-refused', OPENAI),
  insufficient_quota: of('out-of-credit', OPENAI),
  insufficient_balance_error: of('out-of-credit', MINIMAX),
  '1026': of('input-refused', MINIMAX),
  '1027': of('output-refused', MINIMAX),
  '1008': of('out-of-credit', MINIMAX),
};

/**
 * Texts for failures without a code. The first matching row decides. A word such as "safety" or "moderation" alone means nothing: a
 * refusal's row also matches what was refused.
 */
export const REPLICATE_FAILURE_TEXTS: readonly (Row & { readonly pattern: RegExp })[] = [
  { pattern: /input or output was flagged/i, ...of('input-refused', POLLINATIONS) },
  {
    pattern: /\bissue with the audio for your prompt/i,
    ...of('output-refused', 'https://github.com/googleapis/js-genai/issues/1272'),
  },
  { pattern: /\bnsfw content (was |has been )?detected/i, ...of('output-refused', STABLE_DIFFUSION) },
  {
    pattern:
      /\bgenerated (images?|videos?|outputs?|content)\b.{0,40}\b(nsfw|unsafe|flagged|sensitive|filtered|blocked)\b/i,
    ...of('output-refused', 'https://github.com/pollinations/pollinations/pull/11809'),
  },
  {
    pattern: /\boutput (video|audio|image|text)s? (may|might|could) (contain|be related to|include)\b/i,
    ...of('output-refused', MODELARK),
  },
  {
    pattern: /\boutput\b.{0,20}\b(was|were|is|has been) (flagged|moderated|blocked|filtered|rejected)\b/i,
    ...of('output-refused', BFL),
  },
  { pattern: /\boutput new_sensitive\b|^content moderated\b/i, ...of('output-refused', BFL) },
  {
    pattern:
      /\bviolat(es?|ing) (vertex ai|google|our|the|their)\b.{0,60}\b(guidelines|practices|polic(y|ies)|standards|terms)\b/i,
    ...of('input-refused', VEO),
  },
  {
    pattern: /\bveo could not generate\b.{0,20}\bvideos?\b.{0,20}\b(based on the prompt|because the input)\b/i,
    ...of('input-refused', 'https://github.com/DaWe35/image-router/issues/41'),
  },
  { pattern: /\bflagged as (sensitive|nsfw|unsafe|inappropriate)\b/i, ...of('input-refused', PUTER) },
  { pattern: /\bfail(ure|ed) to pass the risk control\b/i, ...of('input-refused', SEEN) },
  {
    pattern: /\binput (text|image|video|audio)s?\b.{0,20}\b(may|might|could) contain\b/i,
    ...of('input-refused', MODELARK),
  },
  {
    pattern:
      /\binput (text|image)s? includes? sensitive content\b|\bcontains sensitive content\b|\binput new_sensitive\b/i,
    ...of('input-refused', MINIMAX),
  },
  {
    pattern:
      /\b(input|prompt|request|content|image|audio|video)\b.{0,24}\b(was|were|is|has been|got) (moderated|flagged|blocked|refused|rejected|caught) (by|due to|because of|for)\b(?!.{0,40}\b(content|media|mime|file)[ -](type|length|size|encoding|format)\b)(?!.{0,40}\brate.?limit(ing|s)?\b).{0,40}\b(safety|moderat\w+|content|polic\w+|filters?)\b/i,
    ...of('input-refused', SEEN),
  },
  {
    pattern: /\b(input|prompt|request) (was|is|has been) (moderated|flagged)\b|^request moderated\b/i,
    ...of('input-refused', BFL),
  },
  { pattern: /\byour (input|prompt) was rejected\b/i, ...of('input-refused', SEEN) },
  {
    pattern: /\bblocked the (request|prompt|input) (due to|for|because of) (safety|policy|content)\b/i,
    ...of('input-refused', SEEN),
  },
  {
    pattern: /\bnot (allowed|permitted)\b.{0,60}\b(different|another|other|new) prompts?\b/i,
    ...of('input-refused', SEEN),
  },
  {
    pattern: /\bcontent policy violation\b|\bviolates the content policy\b|\bdid not pass content moderation\b/i,
    ...of('input-refused', PUTER),
  },
  {
    pattern: /\bout of memory\b|\boom[- ]killed\b/i,
    ...of('model-failed', 'https://github.com/replicate/cog/pull/939'),
  },
  {
    pattern:
      /\bprediction interrupted\b|\bplease retry\b(?! with (a |an )?(different|another|other|new)\b)|\bunexpected error handling prediction\b/i,
    ...of('service', SEEN),
  },
  { pattern: /\btimed? ?out\b|\bdeadline exceeded\b/i, ...of('service', SEEN) },
  {
    pattern: /\b(429|too many requests|rate.?limit(ed|ing|s)?)\b|\brate limit exceeded\b|\bresource.?exhausted\b/i,
    ...of('service', MINIMAX),
  },
  {
    pattern: /\bover(loaded|load)\b|\bis busy\b|\bhigh demand\b|\b(temporarily|currently) unavailable\b/i,
    ...of('service', SEEN),
  },
  {
    pattern: /\bservice unavailable\b|\bbad gateway\b|\bgateway time-?out\b|\binternal (server )?error\b/i,
    ...of('service', PUTER),
  },
  { pattern: /\bcuda (error|driver)\b|\bcudnn\b|\bnccl\b|\bgpu (is )?lost\b/i, ...of('service', SEEN) },
  {
    pattern: /\bconnection (reset|refused|aborted|closed|error)\b|\bremote end closed\b|\bno space left\b/i,
    ...of('service', SEEN),
  },
  {
    pattern:
      /\b(image|file|url)s?\b.{0,40}\b(could not|cannot|can't|failed to) be (downloaded|fetched|loaded|accessed)\b|\b(failed|unable) to (download|fetch|access)\b/i,
    ...of('file-unreachable', POLLINATIONS),
  },
  { pattern: /\binsufficient (credit|balance|funds)\b|\bexhausted balance\b/i, ...of('out-of-credit', FAL) },
  {
    pattern:
      /\bvalidation error\b|\binput should be\b|\bmust be (one of|between|a|an)\b|\bunexpected keyword argument\b/i,
    ...of('bad-input', POLLINATIONS),
  },
  {
    pattern:
      /\b(unsupported|unknown|invalid) (content|media|mime|file|image)[ -](type|format|encoding)\b|\b(content|media|mime|file)[ -](length|size|type|format)\b.{0,20}\b(not supported|not allowed|limit|too large)\b/i,
    ...of('bad-input', FAL),
  },
  {
    pattern:
      /\binvalid param|\bparameters? .{0,80}\bnot valid\b|\bnot within the range\b|\bcannot identify image file\b/i,
    ...of('bad-input', MODELARK),
  },
];
