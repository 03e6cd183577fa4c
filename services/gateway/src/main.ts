import 'reflect-metadata';
import { closeRuntime, openRuntime, stopOnSignal } from '@clipmesh/messaging';
import { nestLogger } from '@clipmesh/tracing';
import { NestFactory } from '@nestjs/core';
import { type NestExpressApplication } from '@nestjs/platform-express';
import { refuseOpenDoor } from './access.js';
import { gatewayModule } from './gateway.module.js';
import { ProblemFilter } from './problem.filter.js';

try {
  const runtime = await openRuntime('gateway');
  const { config, logger } = runtime;
  refuseOpenDoor(config.gatewayHost, config.apiKeys);
  const app = await NestFactory.create<NestExpressApplication>(await gatewayModule(runtime), {
    logger: nestLogger(logger),
    bodyParser: false,
    abortOnError: false,
    forceCloseConnections: true,
  });
  app.useBodyParser('json', { limit: `${config.requestBodyLimitMb}mb` });
  app.disable('x-powered-by');
  app.useGlobalFilters(new ProblemFilter(logger));
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
