// Imported before all else by every service: tracing starts before what is to be traced is loaded.
import { replicaId } from './replica.id.js';
import { startTracing } from './sdk.js';

/** As in libs/config, an empty variable is an unset one. */
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
