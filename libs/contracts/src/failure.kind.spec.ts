import { setTimeout as sleep } from 'node:timers/promises';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { type Charge, ClipmeshError, type FailureCode } from './failure.js';
import { failureKind, toFailure } from './failure.kind.js';
import { MessageSchemaError } from './message.js';

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
    ['an error of the house', new ClipmeshError('PROVIDER_AUTH', 'no'), 'PROVIDER_AUTH', false],
    ['one that says otherwise', new ClipmeshError('TIMEOUT', 'no', { retryable: false }), 'TIMEOUT', false],
    ['a message that breaks its schema', new MessageSchemaError('clip.generate', 'no'), 'SCHEMA_VIOLATION', false],
    ['a zod error', zodError(), 'SCHEMA_VIOLATION', false],
    ['a zod error in another', new Error('bad record', { cause: zodError() }), 'SCHEMA_VIOLATION', false],
    ['an abort', new DOMException('This operation was aborted', 'AbortError'), 'TIMEOUT', true],
    ['an abort of Node', named('AbortError', { code: 'ABORT_ERR' }), 'TIMEOUT', true],
    ['a timeout of a signal', new DOMException('timed out', 'TimeoutError'), 'TIMEOUT', true],
    ['a timeout of the broker', named('TimeoutError'), 'STORE_UNAVAILABLE', true],
    ['no responders', named('NoRespondersError'), 'STORE_UNAVAILABLE', true],
    ['a request to the broker', named('RequestError'), 'STORE_UNAVAILABLE', true],
    ['a connection that is closed', named('ClosedConnectionError'), 'STORE_UNAVAILABLE', true],
    ['a connection that drains', named('DrainingConnectionError'), 'STORE_UNAVAILABLE', true],
    ['a stream that is full', named('JetStreamApiError', { code: 10077, status: 503 }), 'STORE_UNAVAILABLE', true],
    ['a conflict in the store', named('ConflictError', { code: 'CONFLICT' }), 'STORE_UNAVAILABLE', true],
    ['a record that is there', named('AlreadyExistsError'), 'STORE_UNAVAILABLE', true],
    ['MongoDB away', named('MongoServerSelectionError'), 'STORE_UNAVAILABLE', true],
    ['a full disk', system('ENOSPC'), 'STORE_UNAVAILABLE', true],
    ['a quota', system('EDQUOT'), 'STORE_UNAVAILABLE', true],
    ['a full disk behind another error', new Error('copy', { cause: system('ENOSPC') }), 'STORE_UNAVAILABLE', true],
    ['no memory', system('ENOMEM'), 'OUT_OF_MEMORY', true],
    ['an unknown error', new TypeError('x is not a function'), 'INTERNAL', true],
    ['an unknown code', system('EWHAT'), 'INTERNAL', true],
    ['a name that objects have', named('constructor', { code: 'toString' }), 'INTERNAL', true],
    ['a text', 'it failed', 'INTERNAL', true],
    ['nothing', undefined, 'INTERNAL', true],
    ['our error behind another', new Error('x', { cause: new ClipmeshError('CANCELED', 'y') }), 'CANCELED', false],
    ['our error around another', new ClipmeshError('INTERNAL', 'y', { cause: system('ENOSPC') }), 'INTERNAL', true],
  ])('%s', (_what, error, code, retryable) => {
    expect(failureKind(error)).toEqual({ code, retryable });
    expect(toFailure(error, { stage: 'clip', scene: 2, model: 'm' })).toMatchObject({ code, retryable, scene: 2 });
  });

  it('of what Node throws itself', async () => {
    const aborted = await sleep(60_000, undefined, { signal: AbortSignal.abort() }).catch((error: unknown) => error);
    expect(failureKind(aborted).code).toBe('TIMEOUT');
    const folder = await mkdtemp(join(tmpdir(), 'kind-'));
    const late = await writeFile(join(folder, 'x'), 'x', { signal: AbortSignal.abort() }).catch((e: unknown) => e);
    await rm(folder, { recursive: true });
    expect(failureKind(late).code).toBe('TIMEOUT');
  });

  it('ends where an error is its own cause', () => {
    const error = new Error('a');
    error.cause = error;
    expect(failureKind(error).code).toBe('INTERNAL');
  });
});

describe('a failure', () => {
  it('keeps the end of a long message, and no half of a character', () => {
    const { message } = toFailure(new Error(`start ${'😀'.repeat(1500)}end`), { stage: 'overlay' });
    expect(message.length).toBeLessThanOrEqual(2000);
    expect(message).toMatch(/^…(😀)+end$/u);
  });

  it('says that money was spent, also behind another error', () => {
    const paid = new ClipmeshError('PROVIDER_BAD_ANSWER', 'no', { charges: [charge] });
    expect(toFailure(paid, { stage: 'llm' }).charged).toBe(true);
    expect(toFailure(new Error('outer', { cause: paid }), { stage: 'llm' }).charged).toBe(true);
    expect(toFailure(new ClipmeshError('PROVIDER_BAD_ANSWER', 'no'), { stage: 'llm' }).charged).toBe(false);
  });
});
