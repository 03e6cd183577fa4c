import { errors } from '@nats-io/transport-node';

/** The broker or the client rejects the connection. Not transient. The message is advice and contains no secret. */
export class BrokerRefusal extends Error {
  override readonly name = 'BrokerRefusal';
}

/** Node's error codes for a server certificate that the client does not accept. */
const CERTIFICATE =
  /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_|CERT_|ERR_TLS_CERT_ALTNAME_INVALID)/;
/** Error codes of OpenSSL and Node for a failed handshake. */
const HANDSHAKE = /^(ERR_SSL_|ERR_OSSL_|ERR_TLS_|EPROTO)/;
/** Bounds the cause chain: an error may be its own cause. */
const MOST_CAUSES = 5;
const PERMISSION = /permissions violation(?: for (\w+) to "([^"]+)")?/i;

/**
 * What the user can do about an error that a retry does not fix: wrong credentials, missing permissions, a TLS mismatch, or a
 * server that is not a broker. Undefined for any other error, such as an unreachable broker.
 */
export function adviceFor(error: unknown): string | undefined {
  for (const cause of causesOf(error)) {
    const found = adviceForOne(cause);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Error code of the broker while its JetStream has no leader. */
const JETSTREAM_UNAVAILABLE = '10008';

/**
 * Whether the error of a request at start is transient: a timeout, JetStream without a leader, or no server with JetStream
 * during a rolling restart. The last case is indistinguishable from a broker without JetStream, so {@link adviceFor} has advice
 * for it too.
 */
export function isTransient(error: unknown): boolean {
  const causes = causesOf(error);
  const isSilent = causes.some(({ name }) => name === 'NoResponders');
  if (isSilent && causes.some(({ name }) => name === 'JetStreamNotEnabled')) return true;
  if (adviceFor(error) !== undefined) return false;
  return isSilent || causes.some((cause) => cause.name === 'TimeoutError' || codeOf(cause) === JETSTREAM_UNAVAILABLE);
}

/** The error and its causes, outermost first. Structural, because `instanceof` fails for errors of another realm. */
function causesOf(error: unknown): Error[] {
  const causes: Error[] = [];
  for (let cause = error; isError(cause) && causes.length < MOST_CAUSES; cause = cause.cause) causes.push(cause);
  return causes;
}

/** JetStream codes are numbers. */
const codeOf = (error: Error): string => String((error as { code?: string | number }).code ?? '');

const isError = (value: unknown): value is Error =>
  typeof value === 'object' && value !== null && 'message' in value && typeof value.message === 'string';

function adviceForOne(error: Error): string | undefined {
  const { message } = error;
  const code = codeOf(error);
  if (error instanceof BrokerRefusal) return message;
  if (error instanceof errors.UserAuthenticationExpiredError)
    return 'its credentials have expired; renew the file of NATS_CREDS_FILE';
  // nats.js reports it as an authorization error, but it is a timeout, for example of a slow machine.
  if (/authentication timeout/i.test(message)) return undefined;
  if (error instanceof errors.AuthorizationError || /^authorization violation$/i.test(message))
    return 'it does not accept the credentials; check the user and password or the token in NATS_URL, NATS_CREDS_FILE or NATS_NKEY_SEED_FILE';
  const denied = PERMISSION.exec(message);
  if (denied !== null) {
    const [, operation, subject] = denied;
    const what =
      operation === undefined
        ? 'for an operation that Clipmesh needs'
        : `for ${operation.toLowerCase()} of ${subject ?? ''}`;
    return `its user has no permission ${what}; grant that permission to the user of NATS_URL`;
  }
  if (error.name === 'JetStreamNotEnabled' || code === '10076' || code === '10039')
    return 'it has no JetStream for this account; start nats-server with -js, or enable JetStream for the account';
  if (message === "server does not support 'tls'")
    return 'it has no TLS and NATS_URL asks for it; enable TLS at the broker, or write nats:// and unset NATS_TLS_CA_FILE and NATS_TLS_CERT_FILE';
  if (CERTIFICATE.test(code))
    return `its certificate is not accepted (${code}); set NATS_TLS_CA_FILE to its authority, and use a name of the certificate in NATS_URL`;
  if (HANDSHAKE.test(code)) return `the TLS handshake failed (${code}); check NATS_TLS_CERT_FILE and NATS_TLS_KEY_FILE`;
  if (message === 'unexpected response from server')
    return 'the server there is not a nats-server; correct host and port in NATS_URL';
  return undefined;
}
