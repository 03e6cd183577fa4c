import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Config } from '@clipmesh/config';
import { z } from 'zod';

const addressesSchema = z.object({ gateway: z.url(), nats: z.url() });
/** Where a stack listens. */
export type Addresses = z.infer<typeof addressesSchema>;

/** Where it listens by the settings: containers, and services that were started one by one. */
export function addressesIn({ gatewayHost, gatewayPort, natsUrl }: Config): Addresses {
  const host = gatewayHost.includes(':') ? `[${gatewayHost}]` : gatewayHost;
  return { gateway: `http://${host}:${gatewayPort}`, nats: natsUrl };
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
