// node --import @clipmesh/tracing/register: tracing starts before the service loads what is to be traced.
import { startTracing } from './sdk.js';

const service = process.env['OTEL_SERVICE_NAME'] ?? 'clipmesh';
const endpoint = process.env['OTEL_EXPORTER_OTLP_ENDPOINT'];
startTracing({
  service,
  instance: process.env['OTEL_SERVICE_INSTANCE_ID'] ?? `${service}.${process.pid}`,
  ...(endpoint === undefined || endpoint === '' ? {} : { otlpEndpoint: endpoint }),
});
