import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Config } from '@clipmesh/config';
import { accessOf, type BrokerAccess } from '@clipmesh/messaging';
import { z } from 'zod';

/** `stack.json`: the broker of a local stack needs no credentials. */
const addressesSchema = z.object({ gateway: z.url(), nats: z.url().transform((url): BrokerAccess => ({ url })) });
/** Addresses of a stack. */
export interface Addresses {
  readonly gateway: string;
  readonly nats: BrokerAccess;
}

/** Addresses from the settings: for containers, and for services that were started one by one. */
export function addressesIn(config: Config): Addresses {
  const { gatewayHost, gatewayPort } = config;
  const host = gatewayHost.includes(':') ? `[${gatewayHost}]` : gatewayHost;
  return { gateway: `http://${host}:${gatewayPort}`, nats: accessOf(config) };
}

/**
 * Calls `work` with the stack that runs on a folder or, when none runs there, with the addresses of the settings. An error
 * then names both places.
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
