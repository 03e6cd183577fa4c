import { errors } from '@nats-io/transport-node';
import { describe, expect, it } from '@jest/globals';
import { adviceFor, BrokerRefusal, isTransient } from './broker.refusal.js';

const coded = (code: string | number, message = 'x', cause?: unknown): Error =>
  Object.assign(new Error(message, { cause }), { code });
const named = (name: string, cause?: unknown): Error =>
  Object.assign(new Error('jetstream is not enabled', { cause }), { name });
const silent = (): Error =>
  named('JetStreamNotEnabled', new Error('x', { cause: new errors.NoRespondersError('$JS.API.INFO') }));

/** Errors of nats.js 3.4 with nats-server 2.9.10 and 2.12.3, and of Node 20 for TLS. */
describe('advice for a broker rejection', () => {
  it.each<[string, unknown, RegExp]>([
    [
      'a wrong password, token or key',
      new errors.AuthorizationError('Authorization Violation'),
      /does not accept the cred/,
    ],
    ['expired credentials', new errors.UserAuthenticationExpiredError('User Authentication Expired'), /have expired/],
    [
      'a denied publish, as the cause of a request',
      new Error('x', { cause: new Error('Permissions Violation for Publish to "$JS.API.INFO"') }),
      /no permission for publish of \$JS\.API\.INFO/,
    ],
    ['a permission error without details', new Error('Permissions Violation'), /no permission for an operation/],
    ['no JetStream', named('JetStreamNotEnabled'), /no JetStream.*-js/],
    ['no JetStream, by its code', coded(10_076), /no JetStream/],
    ['no JetStream for the account', coded(10_039), /no JetStream/],
    ['a server without TLS', new Error("server does not support 'tls'"), /has no TLS/],
    ['an unknown authority', coded('DEPTH_ZERO_SELF_SIGNED_CERT'), /NATS_TLS_CA_FILE/],
    ['an unknown issuer', coded('UNABLE_TO_VERIFY_LEAF_SIGNATURE'), /NATS_TLS_CA_FILE/],
    ['an expired certificate', coded('CERT_HAS_EXPIRED'), /not accepted \(CERT_HAS_EXPIRED\)/],
    ['another host name', coded('ERR_TLS_CERT_ALTNAME_INVALID'), /a name of the certificate/],
    ['a failed handshake', coded('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED'), /NATS_TLS_CERT_FILE/],
    ['another protocol', new Error('unexpected response from server'), /not a nats-server/],
    [
      'an unreadable credentials file',
      new BrokerRefusal('the file of NATS_CREDS_FILE cannot be read'),
      /NATS_CREDS_FILE/,
    ],
  ])('%s', (_what, error, advice) => {
    expect(adviceFor(error)).toMatch(advice);
  });

  it.each<[string, unknown]>([
    ['a refused connection', new errors.ConnectionError('connection refused', { cause: coded('ECONNREFUSED') })],
    ['an unknown host name', coded('ENOTFOUND')],
    ['a timeout', new errors.TimeoutError()],
    ['a connection reset', coded('ECONNRESET')],
    ['an authentication timeout', new errors.AuthorizationError('Authentication Timeout')],
    ['a JetStream that is not ready yet', coded(10_008, 'JetStream system temporarily unavailable')],
    ['a string', 'x'],
    ['undefined', undefined],
  ])('has none for a transient error: %s', (_what, error) => {
    expect(adviceFor(error)).toBeUndefined();
  });

  it.each<[string, unknown, boolean]>([
    ['a temporarily missing JetStream', silent(), true],
    ['a timeout', new errors.TimeoutError(), true],
    ['a timeout as a cause', new Error('x', { cause: new errors.TimeoutError() }), true],
    ['a JetStream without a leader', coded(10_008), true],
    ['no JetStream for the account', named('JetStreamNotEnabled', coded(10_039)), false],
    [
      'a permission error caused by a timeout',
      new Error('Permissions Violation', { cause: new errors.TimeoutError() }),
      false,
    ],
    ['a wrong password', new errors.AuthorizationError('Authorization Violation'), false],
    ['an invalid stream', coded(10_052), false],
    ['undefined', undefined, false],
  ])('classifies a start error as transient or not: %s', (_what, error, expected) => {
    expect(isTransient(error)).toBe(expected);
  });

  it('terminates for an error that is its own cause', () => {
    const error = new Error('x');
    error.cause = error;
    expect(adviceFor(error)).toBeUndefined();
  });
});
