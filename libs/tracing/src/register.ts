// Every service imports this first: tracing must start before the instrumented modules load.
import { replicaId } from './replica.id.js';
import { startTracing } from './sdk.js';

/** An empty variable counts as unset, as in libs/config. */
const read = (variable: string): string | undefined => {
  const value = process.env[variable];
  return value === '' ? undefined : value;
};

const service = read('OTEL_SERVICE_NAME') ?? 'clipmesh';
const otlpEndpoint = read('OTEL_EXPORTER_OTLP_ENDPOINT');
startTracing({
  service,
  instance: read('OTEL_SERVICE_INSTANCE_ID') ?? replicaId(service),
  ...(otlpEndpoint === undefined ? {} : { otlpEndpoint }),
});
