import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Config } from '@clipmesh/config';
import { accessOf, type BrokerAccess } from '@clipmesh/messaging';
import { z } from 'zod';

/** `stack.json`: the broker of a local stack asks for no credentials. */
const addressesSchema = z.object({ gateway: z.url(), nats: z.url().transform((url): BrokerAccess => ({ url })) });
/** Where a stack listens. */
export interface Addresses {
  readonly gateway: string;
  readonly nats: BrokerAccess;
}

/** Where the settings say that it listens: containers, and services that were started one by one. */
export function addressesIn(config: Config): Addresses {
  const { gatewayHost, gatewayPort } = config;
  const host = gatewayHost.includes(':') ? `[${gatewayHost}]` : gatewayHost;
  return { gateway: `http://${host}:${gatewayPort}`, nats: accessOf(config) };
}

/**
 * Works with the stack that runs on a folder; where none does, with what the settings name. What goes wrong there says that
 * it was looked for in both.
 */
export async function withStack<T>(
  dataDir: string,
  settings: Addresses,
  work: (addresses: Addresses) => Promise<T>,
): Promise<T> {
  const text = await readFile(join(dataDir, 'run', 'stack.json'), 'utf8').catch(() => undefined);
  if (text !== undefined) return work(addressesSchema.parse(JSON.parse(text)));
  try {
    return await work(settings);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(
      `No stack runs on ${dataDir}; start it with npm run up, or name its folder with --data. Nor is it where GATEWAY_HOST, GATEWAY_PORT and NATS_URL say: ${reason}`,
      { cause },
    );
  }
}
