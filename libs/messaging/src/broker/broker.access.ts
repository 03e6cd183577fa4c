import { readFileSync } from 'node:fs';
import { type Config } from '@clipmesh/config';
import {
  type Authenticator,
  credsAuthenticator,
  nkeyAuthenticator,
  type NodeConnectionOptions,
} from '@nats-io/transport-node';
import { BrokerRefusal } from './broker.refusal.js';
import { reconnectHandlers, type ReconnectPace } from './reconnect.delays.js';

/** Addresses and credentials of the broker. */
export interface BrokerAccess extends ReconnectPace {
  /** Comma-separated addresses, as in `NATS_URL`. */
  readonly url: string;
  readonly credsFile?: string | undefined;
  readonly nkeySeedFile?: string | undefined;
  readonly tlsCaFile?: string | undefined;
  readonly tlsCertFile?: string | undefined;
  readonly tlsKeyFile?: string | undefined;
  /** Timeout of one connection attempt, ms. Default: 5000. */
  readonly connectTimeoutMs?: number | undefined;
}

/** The broker access that the settings describe. */
export const accessOf = (config: Config): BrokerAccess => ({
  url: config.natsUrl,
  credsFile: config.natsCredsFile,
  nkeySeedFile: config.natsNkeySeedFile,
  tlsCaFile: config.natsTlsCaFile,
  tlsCertFile: config.natsTlsCertFile,
  tlsKeyFile: config.natsTlsKeyFile,
  connectTimeoutMs: config.natsConnectTimeoutMs,
  reconnectFirstMs: config.natsReconnectFirstMs,
  reconnectMaxMs: config.natsReconnectMaxMs,
});

const CONNECT_TIMEOUT_MS = 5000;

const addresses = (url: string): URL[] => url.split(',').map((entry) => new URL(entry.trim()));

/** Hosts of the addresses, without credentials. */
export const hostsOf = ({ url }: BrokerAccess): string =>
  addresses(url)
    .map(({ host }) => host)
    .join(', ');

/** Whether the connection requires TLS, by the protocol or by a TLS file. */
export const isEncrypted = ({ url, tlsCaFile, tlsCertFile }: BrokerAccess): boolean =>
  (tlsCaFile ?? tlsCertFile) !== undefined || addresses(url).some(({ protocol }) => protocol === 'tls:');

/**
 * Options of every broker connection, including Nest's. The client reconnects without limit. Throws {@link BrokerRefusal} for
 * an unusable file.
 */
export function connectionOptions(access: BrokerAccess, name: string): NodeConnectionOptions {
  const { tlsCaFile, tlsCertFile, tlsKeyFile } = access;
  return {
    servers: addresses(access.url).map(({ host }) => host),
    name,
    maxReconnectAttempts: -1,
    // During a rotation, credentials may be rejected for a while. The log reports it.
    ignoreAuthErrorAbort: true,
    ...reconnectHandlers(access),
    timeout: access.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
    ...credentials(access),
    ...(isEncrypted(access)
      ? {
          tls: {
            ...(tlsCaFile === undefined ? {} : { ca: pem('NATS_TLS_CA_FILE', tlsCaFile) }),
            ...(tlsCertFile === undefined ? {} : { cert: pem('NATS_TLS_CERT_FILE', tlsCertFile) }),
            ...(tlsKeyFile === undefined ? {} : { key: pem('NATS_TLS_KEY_FILE', tlsKeyFile) }),
          },
        }
      : {}),
  };
}

function credentials({ url, credsFile, nkeySeedFile }: BrokerAccess): NodeConnectionOptions {
  if (credsFile !== undefined)
    return {
      authenticator: fromFile('NATS_CREDS_FILE', credsFile, (text) => credsAuthenticator(Buffer.from(`${text}\n`))),
    };
  if (nkeySeedFile !== undefined)
    return {
      authenticator: fromFile('NATS_NKEY_SEED_FILE', nkeySeedFile, (text) => nkeyAuthenticator(Buffer.from(text))),
    };
  const { username, password } = addresses(url).find((address) => address.username !== '') ?? {};
  if (username === undefined) return {};
  const user = decodeURIComponent(username);
  return password === undefined || password === '' ? { token: user } : { user, pass: decodeURIComponent(password) };
}

/**
 * Reads the file at every connection, so that new credentials apply without a restart. If the file is unusable, the last
 * valid credentials apply; an error here would make nats.js close the connection for good.
 */
function fromFile(variable: string, file: string, make: (text: string) => Authenticator): Authenticator {
  const load = (): Authenticator => {
    const authenticator = make(read(variable, file).toString('utf8').trim());
    try {
      authenticator('probe');
    } catch {
      // No cause: its message may contain the secret.
      throw new BrokerRefusal(`the file of ${variable} contains no credentials of a NATS user`);
    }
    return authenticator;
  };
  let current = load();
  return (nonce) => {
    try {
      current = load();
    } catch {
      // Keeps the last valid credentials.
    }
    return current(nonce);
  };
}

function pem(variable: string, file: string): string {
  const text = read(variable, file).toString('utf8');
  if (!/-----BEGIN [A-Z ]+-----/.test(text)) throw new BrokerRefusal(`the file of ${variable} is not a PEM file`);
  return text;
}

function read(variable: string, file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new BrokerRefusal(`the file of ${variable} cannot be read (${code ?? 'unknown'}): ${file}`, { cause });
  }
}
