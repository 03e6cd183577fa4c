import { join } from 'node:path';
import { freePort } from './free.port.js';
import { startService } from './service.process.js';
import { tempFolder } from '../temp.folder.js';

const REPLY_TIMEOUT_MS = 120_000;

/** The behaviour of the sandbox; see the schema in `services/sandbox`. `{}`: the default scenario. */
export type Scenario = Readonly<Record<string, unknown>>;

/** The charges of the sandbox, in dollars. */
export interface Invoice {
  readonly predictions: readonly {
    readonly id: string;
    readonly provider: string;
    readonly model: string;
    readonly key: string | null;
    readonly status: string;
    readonly createdAt: string;
    readonly startedAt: string | null;
    readonly completedAt: string | null;
    readonly seconds: number;
    readonly amountUsd: number;
  }[];
  readonly completions: readonly { readonly id: string; readonly model: string; readonly amountUsd: number }[];
  readonly speech: readonly { readonly amountUsd: number }[];
  readonly totalUsd: number;
}

export interface Sandbox {
  /** Base URL without the `/v1` of the provider APIs. */
  readonly url: string;
  /** Replaces the whole scenario. */
  scenario(scenario: Scenario): Promise<void>;
  invoice(): Promise<Invoice>;
  clearInvoice(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts the sandbox as a process from `services/sandbox/dist`, which must be built. */
export async function startSandbox(): Promise<Sandbox> {
  const folder = await tempFolder('sandbox');
  const url = `http://127.0.0.1:${await freePort()}`;
  const call = async (method: string, path: string, body?: unknown): Promise<Response> => {
    const response = await fetch(`${url}/sandbox/${path}`, {
      method,
      signal: AbortSignal.timeout(REPLY_TIMEOUT_MS),
      ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${method} /sandbox/${path}: ${response.status} ${await response.text()}`);
    return response;
  };
  try {
    const server = await startService(
      'sandbox',
      {
        DATA_DIR: folder.path,
        TEMP_DIR: join(folder.path, 'tmp'),
        SANDBOX_HOST: '127.0.0.1',
        SANDBOX_PORT: new URL(url).port,
      },
      /"msg":"listening"/,
    );
    return {
      url,
      scenario: async (scenario) => {
        await call('PUT', 'scenario', scenario);
      },
      invoice: async () => (await (await call('GET', 'invoice')).json()) as Invoice,
      clearInvoice: async () => {
        await call('DELETE', 'invoice');
      },
      stop: async () => {
        await server.end('SIGTERM');
        await folder.remove();
      },
    };
  } catch (error) {
    await folder.remove();
    throw error;
  }
}
