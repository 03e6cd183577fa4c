import { writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { tempFolder } from '@clipmesh/testing';
import { type SandboxRenderer } from '../src/predictions/clip.cache.js';
import { createSandbox } from '../src/sandbox.server.js';

/** A model of the sandbox with a price for each second and sound. */
export const VEO = 'google/veo-3.1';
/** Predictions end almost at once. */
export const FAST = { clipSeconds: { min: 0.02, max: 0.05 } };

/** A line of the invoice. */
export interface InvoiceLine {
  readonly id: string;
  readonly provider: string;
  readonly model: string;
  readonly key: string | null;
  readonly status: string;
  readonly startedAt: string | null;
  readonly completedAt: string | null;
  readonly seconds: number;
  readonly amountUsd: number;
}
export interface SandboxInvoice {
  readonly predictions: readonly InvoiceLine[];
  readonly completions: readonly { amountUsd: number }[];
  readonly speech: readonly { amountUsd: number }[];
  readonly totalUsd: number;
}

/** The renders of {@link startBench}: text files instead of clips. */
export interface Renders {
  /** How long each takes, ms. */
  ms: number;
  started: number;
  aborted: number;
  /** The first frames. */
  images: (string | undefined)[];
}

/** A sandbox in this process that draws nothing. */
export interface SandboxBench {
  readonly url: string;
  /** The parent folder of its files. */
  readonly folder: string;
  readonly media: SandboxRenderer;
  readonly renders: Renders;
  /** Replaces the scenario. */
  scenario(scenario: object): Promise<Response>;
  invoice(): Promise<SandboxInvoice>;
  /** Empties the invoice, and plays {@link FAST}. */
  reset(): Promise<void>;
  stop(): Promise<void>;
}

export async function startBench(): Promise<SandboxBench> {
  const folder = await tempFolder('sandbox');
  const renders: Renders = { ms: 0, started: 0, aborted: 0, images: [] };
  const media: SandboxRenderer = {
    async render({ output, seed, durationSeconds, image }, { signal }) {
      renders.started += 1;
      renders.images.push(image);
      await sleep(renders.ms, undefined, { signal }).catch((error: unknown) => {
        renders.aborted += 1;
        throw error;
      });
      await writeFile(output, `video ${seed} ${durationSeconds} `.repeat(500));
    },
  };
  const sandbox = await createSandbox({ media, port: 0, host: '127.0.0.1', dataDir: folder.path });
  const { url } = sandbox;
  const scenario = (body: object): Promise<Response> =>
    fetch(`${url}/sandbox/scenario`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  return {
    url,
    folder: folder.path,
    media,
    renders,
    scenario,
    invoice: async () => (await (await fetch(`${url}/sandbox/invoice`)).json()) as SandboxInvoice,
    async reset() {
      await fetch(`${url}/sandbox/invoice`, { method: 'DELETE' });
      await scenario(FAST);
    },
    async stop() {
      await sandbox.close();
      await folder.remove();
    },
  };
}
