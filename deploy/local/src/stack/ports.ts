import { once } from 'node:events';
import { createServer } from 'node:net';

const HOST = '127.0.0.1';

/** Binds `port` (0: any free port) on loopback for a moment and returns its number. Undefined: it is in use. */
async function probe(port: number): Promise<number | undefined> {
  const server = createServer();
  try {
    server.listen({ port, host: HOST, exclusive: true });
    await once(server, 'listening');
    const address = server.address();
    return typeof address === 'object' && address !== null ? address.port : undefined;
  } catch {
    return undefined;
  } finally {
    if (server.listening) {
      server.close();
      await once(server, 'close');
    }
  }
}

export async function isFree(port: number): Promise<boolean> {
  return (await probe(port)) !== undefined;
}

/** `count` different ports that are free at the time of the call. */
export async function freePorts(count: number): Promise<number[]> {
  const found = new Set<number>();
  for (let tries = 0; found.size < count && tries < count * 10; tries += 1) {
    const port = await probe(0);
    if (port !== undefined) found.add(port);
  }
  if (found.size < count) throw new Error('no port is free on 127.0.0.1');
  return [...found];
}
