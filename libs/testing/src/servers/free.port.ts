import getPort from 'get-port';

/** A free port on loopback. Another process may take it before it is used; this process does not get it again for 15 s. */
export const freePort = (): Promise<number> => getPort({ host: '127.0.0.1' });
