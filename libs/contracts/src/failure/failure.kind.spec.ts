import { setTimeout as sleep } from 'node:timers/promises';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { type Charge, ClipmeshError, type FailureCode } from './failure.js';
import { failureKind, toFailure } from './failure.kind.js';
import { MessageSchemaError } from './schema.error.js';

const named = (name: string, more: object = {}): Error => Object.assign(new Error('it failed'), { name, ...more });
const system = (code: string): Error => Object.assign(new Error(`${code}: it failed`), { code, errno: -1 });
const zodError = (): unknown => z.object({ a: z.int() }).safeParse({ a: 'x' }).error;
const charge: Charge = {
  key: 'completion:1',
  kind: 'llm',
  stage: 'llm',
  provider: 'openai',
  model: 'm',
  quantity: 1,
  unit: 'token',
  amountMicros: 5,
  outcome: 'failed',
};

describe('the kind of an error', () => {
  it.each<[string, unknown, FailureCode, boolean]>([
    ['a ClipmeshError', new ClipmeshError('PROVIDER_AUTH', 'no'), 'PROVIDER_AUTH', false],
    [
      'a ClipmeshError that overrides retryable',
      new ClipmeshError('TIMEOUT', 'no', { retryable: false }),
      'TIMEOUT',
      false,
    ],
    ['a message schema violation', new MessageSchemaError('clip.generate', 'no'), 'SCHEMA_VIOLATION', false],
    ['a zod error', zodError(), 'SCHEMA_VIOLATION', false],
    ['a zod error as a cause', new Error('bad record', { cause: zodError() }), 'SCHEMA_VIOLATION', false],
    ['an abort', new DOMException('This operation was aborted', 'AbortError'), 'TIMEOUT', true],
    ["Node's abort error", named('AbortError', { code: 'ABORT_ERR' }), 'TIMEOUT', true],
    ['a timeout of an abort signal', new DOMException('timed out', 'TimeoutError'), 'TIMEOUT', true],
    ['a timeout of the broker', named('TimeoutError'), 'STORE_UNAVAILABLE', true],
    ['no responders', named('NoRespondersError'), 'STORE_UNAVAILABLE', true],
    ['a request to the broker', named('RequestError'), 'STORE_UNAVAILABLE', true],
    ['a closed connection', named('ClosedConnectionError'), 'STORE_UNAVAILABLE', true],
    ['a draining connection', named('DrainingConnectionError'), 'STORE_UNAVAILABLE', true],
    ['a full stream', named('JetStreamApiError', { code: 10077, status: 503 }), 'STORE_UNAVAILABLE', true],
    ['a conflict in the store', named('ConflictError', { code: 'CONFLICT' }), 'STORE_UNAVAILABLE', true],
    ['a record that exists already', named('AlreadyExistsError'), 'STORE_UNAVAILABLE', true],
    ['an unreachable MongoDB', named('MongoServerSelectionError'), 'STORE_UNAVAILABLE', true],
    ['a full disk', system('ENOSPC'), 'STORE_UNAVAILABLE', true],
    ['a quota', system('EDQUOT'), 'STORE_UNAVAILABLE', true],
    ['a full disk as a cause', new Error('copy', { cause: system('ENOSPC') }), 'STORE_UNAVAILABLE', true],
    ['out of memory', system('ENOMEM'), 'OUT_OF_MEMORY', true],
    ['an unknown error', new TypeError('x is not a function'), 'INTERNAL', true],
    ['an unknown code', system('EWHAT'), 'INTERNAL', true],
    ['a name inherited from Object', named('constructor', { code: 'toString' }), 'INTERNAL', true],
    ['a string', 'it failed', 'INTERNAL', true],
    ['undefined', undefined, 'INTERNAL', true],
    ['a ClipmeshError as a cause', new Error('x', { cause: new ClipmeshError('CANCELED', 'y') }), 'CANCELED', false],
    [
      'a ClipmeshError with another cause',
      new ClipmeshError('INTERNAL', 'y', { cause: system('ENOSPC') }),
      'INTERNAL',
      true,
    ],
  ])('%s', (_what, error, code, retryable) => {
    expect(failureKind(error)).toEqual({ code, retryable });
    expect(toFailure(error, { stage: 'clip', scene: 2, model: 'm' })).toMatchObject({ code, retryable, scene: 2 });
  });

  it('classifies abort errors thrown by Node', async () => {
    const aborted = await sleep(60_000, undefined, { signal: AbortSignal.abort() }).catch((error: unknown) => error);
    expect(failureKind(aborted).code).toBe('TIMEOUT');
    const folder = await mkdtemp(join(tmpdir(), 'kind-'));
    const late = await writeFile(join(folder, 'x'), 'x', { signal: AbortSignal.abort() }).catch((e: unknown) => e);
    await rm(folder, { recursive: true });
    expect(failureKind(late).code).toBe('TIMEOUT');
  });

  it('terminates when an error is its own cause', () => {
    const error = new Error('a');
    error.cause = error;
    expect(failureKind(error).code).toBe('INTERNAL');
  });
});

describe('a failure', () => {
  it('keeps the end of a long message and splits no character', () => {
    const { message } = toFailure(new Error(`start ${'😀'.repeat(1500)}end`), { stage: 'overlay' });
    expect(message.length).toBeLessThanOrEqual(2000);
    expect(message).toMatch(/^…(😀)+end$/u);
  });

  it('is charged when the error or its cause has charges', () => {
    const paid = new ClipmeshError('PROVIDER_BAD_ANSWER', 'no', { charges: [charge] });
    expect(toFailure(paid, { stage: 'llm' }).charged).toBe(true);
    expect(toFailure(new Error('outer', { cause: paid }), { stage: 'llm' }).charged).toBe(true);
    expect(toFailure(new ClipmeshError('PROVIDER_BAD_ANSWER', 'no'), { stage: 'llm' }).charged).toBe(false);
  });
});
