import '@clipmesh/tracing/register';
import 'reflect-metadata';
import { loadConfig } from '@clipmesh/config';
import { closeRuntime, openRuntime, stopOnSignal } from '@clipmesh/messaging';
import { loadModels } from '@clipmesh/providers';
import { refuseUnprotectedHost } from './http/auth/access.js';
import { createGateway } from './gateway.module.js';
import { refuseUnknownModels } from './jobs/job.builder.js';

try {
  // Check before waiting for the broker: these errors do not go away.
  const { gatewayHost, apiKeys, videoModels, modelsFile } = loadConfig();
  refuseUnprotectedHost(gatewayHost, apiKeys);
  refuseUnknownModels(videoModels, await loadModels(modelsFile));
  const runtime = await openRuntime('gateway');
  const { config, logger } = runtime;
  const app = await createGateway(runtime);
  await app.listen(config.gatewayPort, config.gatewayHost);
  stopOnSignal(runtime, async () => {
    await app.close();
    await closeRuntime(runtime);
  });
  logger.info({ url: `http://${config.gatewayHost}:${config.gatewayPort}` }, 'ready');
} catch (error) {
  process.stderr.write(`gateway could not start: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
