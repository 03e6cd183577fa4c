import { errors } from '@nats-io/transport-node';
import { describe, expect, it } from '@jest/globals';
import { adviceFor, BrokerRefusal, isTransient } from './broker.refusal.js';

const coded = (code: string | number, message = 'x', cause?: unknown): Error =>
  Object.assign(new Error(message, { cause }), { code });
const named = (name: string, cause?: unknown): Error =>
  Object.assign(new Error('jetstream is not enabled', { cause }), { name });
const silent = (): Error =>
  named('JetStreamNotEnabled', new Error('x', { cause: new errors.NoRespondersError('$JS.API.INFO') }));

/** As nats.js 3.4 throws them against nats-server 2.9.10 and 2.12.3, and Node 20 for TLS. */
describe('advice about a broker that refuses', () => {
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
    ['another denial', new Error('Permissions Violation'), /no permission for something/],
    ['no JetStream', named('JetStreamNotEnabled'), /no JetStream.*-js/],
    ['no JetStream, by its code', coded(10_076), /no JetStream/],
    ['no JetStream for the account', coded(10_039), /no JetStream/],
    ['a server without TLS', new Error("server does not support 'tls'"), /has no TLS/],
    ['an unknown authority', coded('DEPTH_ZERO_SELF_SIGNED_CERT'), /NATS_TLS_CA_FILE/],
    ['an unknown issuer', coded('UNABLE_TO_VERIFY_LEAF_SIGNATURE'), /NATS_TLS_CA_FILE/],
    ['an expired certificate', coded('CERT_HAS_EXPIRED'), /not accepted \(CERT_HAS_EXPIRED\)/],
    ['another name', coded('ERR_TLS_CERT_ALTNAME_INVALID'), /a name of the certificate/],
    ['a failed handshake', coded('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED'), /NATS_TLS_CERT_FILE/],
    ['another protocol', new Error('unexpected response from server'), /no nats-server/],
    ['its own file', new BrokerRefusal('the file of NATS_CREDS_FILE cannot be read'), /NATS_CREDS_FILE/],
  ])('%s', (_what, error, advice) => {
    expect(adviceFor(error)).toMatch(advice);
  });

  it.each<[string, unknown]>([
    ['nobody listens', new errors.ConnectionError('connection refused', { cause: coded('ECONNREFUSED') })],
    ['a name that is not known yet', coded('ENOTFOUND')],
    ['no answer in time', new errors.TimeoutError()],
    ['a reset', coded('ECONNRESET')],
    ['a connect that came too late', new errors.AuthorizationError('Authentication Timeout')],
    ['a JetStream that is not ready yet', coded(10_008, 'JetStream system temporarily unavailable')],
    ['no error', 'x'],
    ['nothing', undefined],
  ])('none, so that the start waits: %s', (_what, error) => {
    expect(adviceFor(error)).toBeUndefined();
  });

  it.each<[string, unknown, boolean]>([
    ['nobody serves JetStream for the moment', silent(), true],
    ['no answer in time', new errors.TimeoutError(), true],
    ['no answer in time, as a cause', new Error('x', { cause: new errors.TimeoutError() }), true],
    ['a JetStream without a leader', coded(10_008), true],
    ['no JetStream for the account', named('JetStreamNotEnabled', coded(10_039)), false],
    ['a denial behind a timeout', new Error('Permissions Violation', { cause: new errors.TimeoutError() }), false],
    ['a wrong password', new errors.AuthorizationError('Authorization Violation'), false],
    ['a stream that cannot be', coded(10_052), false],
    ['nothing', undefined, false],
  ])('of a request at start that may pass: %s', (_what, error, expected) => {
    expect(isTransient(error)).toBe(expected);
  });

  it('ends for an error that is its own cause', () => {
    const error = new Error('x');
    error.cause = error;
    expect(adviceFor(error)).toBeUndefined();
  });
});
