import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
// eslint-disable-next-line @nx/enforce-module-boundaries -- plain Node that runs before anything is installed, so not a package
import { findServer } from '../../../test-servers/find.server.mjs';
import { makeRunFolder } from './make.folder.js';
import { freePorts } from './ports.js';
import { type ProcessSpec } from './supervisor.js';

/** Traces kept in memory; the oldest is dropped first. */
const MOST_TRACES = 10_000;
/** OTLP/HTTP port of a Jaeger that runs elsewhere. */
const OTLP_PORT = 4318;

export interface Jaeger {
  /** URL of the UI and the query API. */
  readonly url: string;
  /** Base URL for OTLP/HTTP. */
  readonly otlp: string;
  /** Undefined: Jaeger runs already, and the stack does not stop it. */
  readonly spec?: ProcessSpec;
}

/** Configuration of a Jaeger that stores traces in memory and listens on loopback only. */
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

/** Configuration file of Jaeger, for the stack in `dataDir`. */
export const jaegerFile = (dataDir: string): string => join(dataDir, 'run', 'jaeger.json');

/** Log line of a Jaeger that is ready. */
export const JAEGER_READY = 'Everything is ready';

/**
 * Finds Jaeger, or builds it once (some minutes), and returns how to start it for the stack in `dataDir`. Rejects with one
 * sentence when it is not available, or when `otlpEndpoint` sends the traces elsewhere.
 */
export async function prepareJaeger(dataDir: string, otlpEndpoint: string | undefined): Promise<Jaeger> {
  if (otlpEndpoint !== undefined)
    throw new Error('OTEL_EXPORTER_OTLP_ENDPOINT already sends the traces elsewhere; unset it, or omit --jaeger.');
  const found = await findServer('jaeger');
  if ('missing' in found) throw new Error(`Jaeger is not available: ${found.missing}`);
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
      // Receives the last spans of the other processes.
      last: true,
    },
  };
}
