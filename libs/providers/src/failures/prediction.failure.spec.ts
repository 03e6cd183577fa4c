import { describe, expect, it } from '@jest/globals';
import { FAILURE_KINDS, FAILURE_MEANINGS, type FailureKind } from './failure.kinds.js';
import { failureKindOf } from './prediction.failure.js';
import { predictionOf } from '../replicate/prediction.answer.js';
import { healthOf, outcomeOf } from '../prediction/prediction.outcome.js';
import { REPLICATE_FAILURE_CODES, REPLICATE_FAILURE_TEXTS } from './replicate.failures.table.js';

/** Messages of real services as quoted by their users, and reported cases. */
const REAL: Readonly<Record<FailureKind, readonly string[]>> = {
  'input-refused': [
    "The prompt could not be submitted. This prompt contains words that violate Vertex AI's usage guidelines. Support codes: 29310472",
    "This prompt contains words that violate Vertex AI's usage guidelines. Try rephrasing the prompt.",
    "The prompt could not be submitted. This prompt contains sensitive words that violate Google's Responsible AI practices. Try rephrasing your prompt, or contact your Google representative to request allowlisting. Support codes: 58061214",
    "Veo could not generate videos because the input image violates Vertex AI's usage guidelines. If you think this was an error, send feedback. Support codes: 15236754",
    'Veo could not generate 1 videos based on the prompt provided. You will not be charged for this request. Try rephrasing the prompt. If you think this was an error, send feedback. Support codes: 42237218',
    'The input or output was flagged as sensitive. Please try again with different inputs. (E005)',
    'The input or output was flagged as sensitive. Please try again with different inputs.',
    'flagged as sensitive (E005)',
    'The input was moderated',
    'Failure to pass the risk control system',
    'video description contains sensitive content (1026)',
    'input new_sensitive (1026)',
    'The request failed because the input text may contain sensitive information. Request ID: 0217',
    'The request failed because the input image may contain real person.',
    'The request could not be processed because the input text includes sensitive content that violates ContentSecurityDetection.',
    'Content was flagged by the safety system. Try different prompts or inputs.',
    'Your input was rejected. Please try again or with a different input.',
    'Request blocked: The uploaded audio was flagged by Google safety review.',
    'Your prompt was caught by our AI moderator. Please adjust it and try again!',
    'Your request was rejected by the moderation system',
    'Gemini blocked the request due to safety reasons',
    'Request Moderated',
    'The image was rejected because of unsafe content',
    'The request was blocked by our content policy',
    'The request was blocked by the content filter',
    'Showing weapons is not allowed, please retry with a different prompt',
    '[{"loc":["body","prompt"],"msg":"The content was flagged by a content checker.","type":"content_policy_violation","input":"x"}]',
    '{"error":{"code":"InputTextSensitiveContentDetected","message":"The request failed."}}',
    '{"error":{"code":"content_filter","message":"The response was filtered."}}',
    '{"type":"error","error":{"type":"unprocessable_entity_error","message":"video description contains sensitive content (1026)","http_code":"422"}}',
  ],
  'output-refused': [
    'The request failed because the output video may contain sensitive information. Request id: 02178740503500400000000000000',
    'The request failed because the output video may be related to copyright restrictions.',
    'OutputVideoSensitiveContentDetected.PolicyViolation The request failed because the output video may be related to copyright restrictions.',
    '{"error":{"code":"OutputVideoSensitiveContentDetected","message":"output video may contain sensitive information"}}',
    'output new_sensitive (1027)',
    'We encountered an issue with the audio for your prompt, which means we could not create your video. This can sometimes happen due to our safety filters or other processing issues. Please modify your request and try again. You have not been charged for this attempt.',
    'NSFW content detected. Try running it again, or try a different prompt.',
    'Potential NSFW content was detected in one or more images. A black image will be returned instead. Try again with a different prompt and/or seed.',
    'Qwen Image Edit generation failed: All generated images contained NSFW content',
    'Content Moderated',
  ],
  service: [
    'Prediction interrupted; please retry (code: PA)',
    'Director: unexpected error handling prediction (E9828)',
    'Director: unexpected error handling prediction (E8765)',
    'Director: unexpected error handling prediction (E6716)',
    'Director: unexpected error handling prediction',
    'stopped unexpectedly (E9243)',
    'Service is currently unavailable due to high demand. Please try again later. (E003)',
    'CUDA error while loading safety_checker',
    'moderation service timed out, please retry',
    'content policy service timed out',
    '429 Too Many Requests: the content moderation endpoint is rate limited, try again',
    'status 529: the safety system is overloaded',
    'internal error, please try again later',
    'the server is busy',
    'Internal Error',
    '<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center></body></html>',
    'rate limit, please retry later (1002)',
    'The request was blocked by the rate limit policy',
    'The request was rejected due to the rate-limiting policy',
    'Something went wrong, please retry',
    '{"error":{"code":503,"message":"This model is currently experiencing high demand. Spikes in demand are usually temporary. Please try again later.","status":"UNAVAILABLE"}}',
    '[{"msg":"Downstream service error","type":"downstream_service_error"}]',
  ],
  'file-unreachable': [
    'Prediction failed: the image could not be downloaded',
    'Input validation error: failed to download image_url',
    '{"detail":[{"loc":["body","image_url"],"type":"file_download_error"}]}',
  ],
  'bad-input': [
    'The input was invalid. (E006)',
    "Predictor.predict() got an unexpected keyword argument 'clipmesh_key'",
    "Input should be 'real person' or 'anime'",
    'resolution is not within the range of allowed options',
    'The parameters `ratio` and `duration` specified in the request are not valid. Seedance identified your task as video editing.',
    'Each reference video must be between 2 and 30 seconds',
    'Prediction failed: cannot identify image file',
    'The image was rejected because of unsupported content type',
    'The request was rejected due to the content length limit',
  ],
  'out-of-credit': ['insufficient balance (1008)', 'User is locked. Reason: Exhausted balance.'],
  'model-failed': [
    'keys are case-sensitive',
    'CUDA out of memory. Tried to allocate 5.92 GiB (GPU 0; 14.76 GiB total capacity)',
    'CUDA error: out of memory',
    'Director: out of memory (exit code 137)',
    "Could not detect a real person's face in the reference image",
    'enable_safety_checker cannot be disabled for this model',
    'Prediction failed for an unknown reason. It might have run out of memory? (exitcode 2)',
    'The model did not generate the expected output for this prompt. This may occur for several reasons, including unsafe content.',
    'list index out of range',
    'An error that nobody has seen before',
    '',
  ],
};

describe('the kind of a reported failure', () => {
  it.each(FAILURE_KINDS.flatMap((kind) => REAL[kind].map((text) => [kind, text] as const)))('%s: %s', (kind, text) => {
    expect(failureKindOf(text)).toBe(kind);
  });

  it('is tested with at least 40 real messages, and every row of the tables has a source', () => {
    expect(FAILURE_KINDS.flatMap((kind) => REAL[kind]).length).toBeGreaterThanOrEqual(40);
    for (const { source } of [...REPLICATE_FAILURE_TEXTS, ...Object.values(REPLICATE_FAILURE_CODES)])
      expect(source).toMatch(/^https:\/\/|read \d{4}-\d\d$/);
  });

  it.each([
    [undefined, 'model-failed'],
    [null, 'model-failed'],
    [{ code: 'E005' }, 'input-refused'],
    [{ error: { code: 'OutputVideoSensitiveContentDetected.PolicyViolation' } }, 'output-refused'],
    [{ message: 'Internal Error' }, 'service'],
    // The repeated request is ignored.
    [{ detail: [{ msg: 'no', type: 'value_error', input: { type: 'content_policy_violation' } }] }, 'model-failed'],
    // A property name of every object.
    [{ code: 'constructor' }, 'model-failed'],
  ] as const)('%j is %s', (reported, kind) => {
    expect(failureKindOf(reported)).toBe(kind);
  });

  it('ignores the prompt that the error quotes', () => {
    const prompt = 'A sign that says: your prompt was rejected, please retry (code: PA) (E005)';
    const error = `cannot draw "${prompt}"`;
    expect(failureKindOf(error, [prompt])).toBe('model-failed');
    const state = predictionOf({ id: 'p', status: 'failed', input: { prompt }, error });
    expect(outcomeOf(state)).toMatchObject({ code: 'MODEL_FAILED', message: expect.stringContaining(prompt) });
  });

  const PROMPT = 'A sign that says:\n"your prompt was rejected" (E005), é, please retry (code: PA)';
  it.each<[string, unknown]>([
    ['as JSON in a text', `cannot draw ${JSON.stringify(PROMPT)}`],
    ['in a JSON text', JSON.stringify({ detail: `cannot draw ${PROMPT}` })],
    ['as JSON in a JSON text', JSON.stringify({ detail: `cannot draw ${JSON.stringify({ prompt: PROMPT })}` })],
    ['in an object', { message: `cannot draw ${PROMPT}` }],
    ['as the input', { detail: 'cannot draw', input: PROMPT }],
    ['within the input', JSON.stringify({ detail: 'cannot draw', input: { text: PROMPT } })],
    ['as the prompt', { error: { message: 'cannot draw', prompt: PROMPT } }],
    ['with a code beside the prompt', { detail: 'cannot draw', prompt: { code: 'E005', text: PROMPT } }],
  ])('ignores the request, quoted %s', (_name, reported) => {
    expect(failureKindOf(reported, [PROMPT])).toBe('model-failed');
  });

  it('ignores what a validation error quotes, in full or truncated', () => {
    const error = "1 error: not a valid string [type=x, input_value='the prompt was flaggedthe pr...', input_type=str]";
    expect(failureKindOf(error)).toBe('model-failed');
    expect(failureKindOf({ detail: 'no', input: 'your prompt was rejected' })).toBe('model-failed');
  });

  it('is read from the other fields of a response that contains the input', () => {
    const response = { input: PROMPT, error: { message: 'Your prompt was rejected.' } };
    for (const reported of [response, JSON.stringify(response)])
      expect(failureKindOf(reported, [PROMPT])).toBe('input-refused');
  });

  it('is found in texts of any size', () => {
    expect(failureKindOf(`${'<p>'.repeat(200_000)} (E005)`)).toBe('model-failed');
    expect(failureKindOf(`[${'['.repeat(50_000)}`)).toBe('model-failed');
  });
});

describe('the consequences of a failure kind', () => {
  it.each([
    ['input-refused', 'PREDICTION_REFUSED', false, 'neutral'],
    ['output-refused', 'OUTPUT_REFUSED', false, 'neutral'],
    ['service', 'PREDICTION_FAILED', true, 'failure'],
    ['file-unreachable', 'PREDICTION_FAILED', true, 'neutral'],
    ['bad-input', 'PROVIDER_BAD_INPUT', false, 'neutral'],
    ['out-of-credit', 'PROVIDER_OUT_OF_CREDIT', false, 'neutral'],
    ['model-failed', 'MODEL_FAILED', false, 'neutral'],
  ] as const)('%s: code %s, retryable %s, health %s', (kind, code, retryable, health) => {
    const state = { id: 'p', status: 'failed', error: REAL[kind][0] ?? '' } as const;
    expect(outcomeOf(state)).toMatchObject({ code, retryable });
    expect(healthOf(state)).toBe(health);
    expect(FAILURE_MEANINGS[kind]).toEqual({ code, retryable, health });
  });
});
