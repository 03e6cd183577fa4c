import { type Config } from '@clipmesh/config';
import { openInboxes, type ServiceRuntime } from '@clipmesh/messaging';
import { nestLogger } from '@clipmesh/tracing';
import { type DynamicModule, Module } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_PIPE, NestFactory } from '@nestjs/core';
import { type NestExpressApplication } from '@nestjs/platform-express';
import { BillingModule } from './billing/billing.module.js';
import { GenerationsModule } from './generations/generations.module.js';
import { refuseUnprotectedHost } from './http/auth/access.js';
import { AuthGuard } from './http/auth/auth.guard.js';
import { Authentication } from './http/auth/authentication.js';
import { serveDocs } from './http/openapi.module.js';
import { ProblemFilter } from './http/problems/problem.filter.js';
import { checkRequests } from './http/request.module.js';
import { SchemaPipe } from './http/schema.pipe.js';
import { MediaModule } from './media/media.module.js';
import { inboxSettings } from './operations/inbox.settings.js';
import { refuseSharedToken } from './operations/metrics.access.js';
import { Metrics } from './operations/metrics.js';
import { OperationsModule } from './operations/operations.module.js';
import { ReportsModule } from './reports/reports.module.js';
import { RetentionModule } from './retention/retention.module.js';
import { ReviewModule } from './review/review.module.js';
import { openResources, type Resources } from './runtime/resources.js';
import { RuntimeModule } from './runtime/runtime.module.js';
import { CONFIG } from './runtime/runtime.tokens.js';
import { WebhooksModule } from './webhooks/webhooks.module.js';

@Module({
  // Also the order of the paths in the OpenAPI document.
  imports: [
    GenerationsModule,
    RetentionModule,
    MediaModule,
    BillingModule,
    ReportsModule,
    ReviewModule,
    WebhooksModule,
    OperationsModule,
  ],
  providers: [
    {
      provide: Authentication,
      inject: [CONFIG],
      useFactory: ({ apiKeys }: Config) => new Authentication(apiKeys),
    },
    { provide: APP_GUARD, useClass: AuthGuard },
    { provide: APP_PIPE, useValue: new SchemaPipe() },
    { provide: APP_FILTER, useClass: ProblemFilter },
  ],
})
class GatewayModule {
  static of(runtime: ServiceRuntime, resources: Resources): DynamicModule {
    return { module: GatewayModule, imports: [RuntimeModule.of(runtime, resources)] };
  }
}

/**
 * The HTTP application with its inboxes started, not yet listening. Throws when it would accept requests from other machines
 * without an API key.
 */
export async function createGateway(runtime: ServiceRuntime): Promise<NestExpressApplication> {
  const { config, logger } = runtime;
  refuseUnprotectedHost(config.gatewayHost, config.apiKeys);
  refuseSharedToken(config.metricsToken, config.apiKeys);
  const module = GatewayModule.of(runtime, await openResources(runtime));
  const app = await NestFactory.create<NestExpressApplication>(module, {
    logger: nestLogger(logger),
    bodyParser: false,
    // A provider signs the bytes of its report.
    rawBody: true,
    abortOnError: false,
    forceCloseConnections: true,
  });
  app.getHttpServer().keepAliveTimeout = config.keepAliveMs;
  app.disable('x-powered-by');
  app.use(app.get(Metrics).measure);
  checkRequests(app, config);
  serveDocs(app);
  const strategy = await openInboxes(runtime, inboxSettings(config));
  app.connectMicroservice({ strategy });
  await app.startAllMicroservices();
  return app;
}
