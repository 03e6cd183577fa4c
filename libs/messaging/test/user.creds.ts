import { nkeys } from '@nats-io/transport-node';

type Key = ReturnType<typeof nkeys.createUser>;
const base64 = (value: string | Uint8Array): string => Buffer.from(value).toString('base64url');

function jwt(issuer: Key, subject: string, name: string, type: string, nats: object): string {
  const header = base64(JSON.stringify({ typ: 'JWT', alg: 'ed25519-nkey' }));
  const claims = { jti: name, iat: 1_700_000_000, iss: issuer.getPublicKey(), name, sub: subject };
  const body = base64(JSON.stringify({ ...claims, nats: { type, version: 2, ...nats } }));
  return `${header}.${body}.${base64(issuer.sign(Buffer.from(`${header}.${body}`)))}`;
}

const file = (token: string, user: Key): string =>
  [
    '-----BEGIN NATS USER JWT-----',
    token,
    '------END NATS USER JWT------',
    '',
    '-----BEGIN USER NKEY SEED-----',
    Buffer.from(user.getSeed()).toString(),
    '------END USER NKEY SEED------',
    '',
  ].join('\n');

/** An operator with one account, as `nsc` creates them: server config, a user's credentials, and credentials of a foreign account. */
export function userCreds(): { serverConfig: string; creds: string; foreign: string } {
  const [operator, account, stranger, user] = [
    nkeys.createOperator(),
    nkeys.createAccount(),
    nkeys.createAccount(),
    nkeys.createUser(),
  ];
  const limits = { subs: -1, data: -1, payload: -1, imports: -1, exports: -1, wildcards: true, conn: -1, leaf: -1 };
  const accountJwt = jwt(operator, account.getPublicKey(), 'clipmesh', 'account', { limits });
  const userJwt = (issuer: Key): string =>
    jwt(issuer, user.getPublicKey(), 'service', 'user', { subs: -1, data: -1, payload: -1 });
  return {
    serverConfig: [
      `operator: ${jwt(operator, operator.getPublicKey(), 'operator', 'operator', {})}`,
      'authorization { timeout: 60 }',
      'resolver: MEMORY',
      `resolver_preload: { ${account.getPublicKey()}: ${accountJwt} }`,
    ].join('\n'),
    creds: file(userJwt(account), user),
    foreign: file(userJwt(stranger), user),
  };
}
