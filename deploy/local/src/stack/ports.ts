import getPort from 'get-port';

const HOST = '127.0.0.1';

/** Whether the port is free on loopback. */
export const isFree = async (port: number): Promise<boolean> => (await getPort({ port, host: HOST })) === port;

/** `count` different ports that are free on loopback at the time of the call. */
export const freePorts = (count: number): Promise<number[]> =>
  Promise.all(Array.from({ length: count }, () => getPort({ host: HOST })));
