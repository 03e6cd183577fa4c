import { readEvents, readTrace, type ServiceRuntime } from '@clipmesh/messaging';
import { openArtifactFolder, openKvStores } from '@clipmesh/persistence';
import { analyze, parseTrace } from '@clipmesh/trace-analysis';
import { type DynamicModule, Module } from '@nestjs/common';
import { createAccess } from './access.js';
import { GATEWAY_PARTS, type GatewayParts, GenerationsController } from './generations.controller.js';
import { HEALTH_PARTS, HealthController, type HealthParts } from './health.controller.js';

@Module({})
class GatewayModule {}

export async function gatewayModule(runtime: ServiceRuntime): Promise<DynamicModule> {
  const { config, connection, publish, cancellations, logger } = runtime;
  const parts: GatewayParts = {
    stores: await openKvStores(connection, { replicas: config.natsReplicas }),
    artifacts: await openArtifactFolder({ directory: config.artifactsDir }),
    publish,
    cancellations,
    logger,
    events: (generationId, afterSequence, signal) =>
      readEvents(connection, generationId, afterSequence === undefined ? { signal } : { afterSequence, signal }),
    performance: async (traceId) => {
      const [trace] = parseTrace(await readTrace(connection, traceId));
      return trace === undefined ? undefined : analyze(trace);
    },
    defaults: {
      models: config.videoModels,
      parallelEnabled: config.enableParallelVideoGeneration,
      maxWorkers: config.maxParallelVideoWorkers,
      fallbackAfter: config.sequentialFallbackAfter,
    },
    sseHeartbeatMs: config.sseHeartbeatMs,
    ownerOf: createAccess(config.apiKeys),
  };
  const health: HealthParts = {
    check: async () => {
      await connection.flush();
      await parts.stores.generations.list({ owner: 'nobody', limit: 1 });
    },
  };
  return {
    module: GatewayModule,
    controllers: [GenerationsController, HealthController],
    providers: [
      { provide: GATEWAY_PARTS, useValue: parts },
      { provide: HEALTH_PARTS, useValue: health },
    ],
  };
}
