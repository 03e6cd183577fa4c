import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
// eslint-disable-next-line @nx/enforce-module-boundaries -- plain Node that runs before anything is installed: no package of ours
import { findServer } from '../../test-servers/find-server.mjs';
import { makeRunFolder } from './make.folder.js';
import { freePorts } from './ports.js';
import { type ProcessSpec } from './supervisor.js';

/** Traces kept in its memory; the oldest goes first. */
const MOST_TRACES = 10_000;
/** Where a Jaeger that runs elsewhere takes OTLP/HTTP. */
const OTLP_PORT = 4318;

export interface Jaeger {
  /** Its UI, and its query API. */
  readonly url: string;
  /** Base address for OTLP/HTTP. */
  readonly otlp: string;
  /** Undefined: it runs already and is not ours to stop. */
  readonly spec?: ProcessSpec;
}

/** A Jaeger that keeps everything in memory and listens on loopback only. */
export const jaegerConfig = (ports: {
  readonly query: number;
  readonly grpc: number;
  readonly otlp: number;
}): object => ({
  service: {
    extensions: ['jaeger_storage', 'jaeger_query'],
    pipelines: { traces: { receivers: ['otlp'], exporters: ['jaeger_storage_exporter'] } },
    telemetry: { metrics: { level: 'none' } },
  },
  extensions: {
    jaeger_storage: { backends: { memory: { memory: { max_traces: MOST_TRACES } } } },
    jaeger_query: {
      storage: { traces: 'memory' },
      http: { endpoint: `127.0.0.1:${ports.query}` },
      grpc: { endpoint: `127.0.0.1:${ports.grpc}` },
    },
  },
  receivers: { otlp: { protocols: { http: { endpoint: `127.0.0.1:${ports.otlp}` } } } },
  exporters: { jaeger_storage_exporter: { trace_storage: 'memory' } },
});

/** Its settings, for the stack in `dataDir`. */
export const jaegerFile = (dataDir: string): string => join(dataDir, 'run', 'jaeger.json');

/** A line of its log that says that it works. */
export const JAEGER_READY = 'Everything is ready';

/**
 * Finds Jaeger, or builds it once (some minutes), and says how to start it for the stack in `dataDir`. Rejects with one
 * sentence where it cannot be had, or where the traces go elsewhere already.
 */
export async function prepareJaeger(dataDir: string, otlpEndpoint: string | undefined): Promise<Jaeger> {
  if (otlpEndpoint !== undefined)
    throw new Error('OTEL_EXPORTER_OTLP_ENDPOINT sends the traces elsewhere already; unset it, or leave out --jaeger.');
  const found = await findServer('jaeger');
  if ('missing' in found) throw new Error(`There is no Jaeger: ${found.missing}`);
  if ('url' in found) {
    const { protocol, hostname } = new URL(found.url);
    return { url: found.url, otlp: `${protocol}//${hostname}:${OTLP_PORT}` };
  }
  const [query = 0, grpc = 0, otlp = 0] = await freePorts(3);
  const config = jaegerFile(dataDir);
  makeRunFolder(dataDir);
  writeFileSync(config, JSON.stringify(jaegerConfig({ query, grpc, otlp })));
  return {
    url: `http://127.0.0.1:${query}`,
    otlp: `http://127.0.0.1:${otlp}`,
    spec: {
      service: 'jaeger',
      instance: 1,
      command: found.command,
      args: [...found.args, '--config', config],
      cwd: dataDir,
      env: process.env,
      ready: JAEGER_READY,
      // It takes the last spans of those that stop.
      last: true,
    },
  };
}
