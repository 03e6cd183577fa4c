import { randomUUID } from 'node:crypto';
import { REFERENCE_IMAGE_LIMIT_BYTES, withTimeout } from '@clipmesh/contracts';
import { openMedia } from '@clipmesh/media';
import {
  ask,
  collectTrace,
  CostSummary,
  purgeGeneration,
  openInboxes,
  publishNudge,
  accessOf,
  questionTransport,
  readBrokerState,
  hasAllEvents,
  lastEventSequence,
  readEvents,
  type ServiceRuntime,
} from '@clipmesh/messaging';
import { type BudgetRules, llmPrice } from '@clipmesh/billing';
import { openArtifactFolder, openLimitStore, openScratch, openStores, type OpenStores } from '@clipmesh/persistence';
import { nestLogger } from '@clipmesh/tracing';
import { type DynamicModule, Module, type OnApplicationShutdown, type OnModuleDestroy } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type ClientProxy, ClientProxyFactory } from '@nestjs/microservices';
import { type NestExpressApplication } from '@nestjs/platform-express';
import { startBudgetSweeper } from './billing/budget.sweeper.js';
import { createAccess, refuseUnprotectedHost } from './http/access.js';
import { serveDocs } from './http/openapi.module.js';
import { DELETION_DEPS, DeletionController, type DeletionDeps } from './retention/deletion.controller.js';
import { GATEWAY_DEPS, type GatewayDeps } from './gateway.deps.js';
import { GenerationsController } from './generations/generations.controller.js';
import { inboxSettings } from './operations/inbox.settings.js';
import { HEALTH_DEPS, HealthController, type HealthDeps } from './operations/health.controller.js';
import { MediaController } from './media/media.controller.js';
import { refuseSharedToken } from './operations/metrics.access.js';
import { Metrics } from './operations/metrics.js';
import { METRICS_DEPS, MetricsController, type MetricsDeps } from './operations/metrics.controller.js';
import { MetricsLeader } from './operations/metrics.leader.js';
import { MoneyController } from './billing/money.controller.js';
import { analyzeInThread, PerformanceReports } from './reports/performance.reports.js';
import { ProblemFilter } from './http/problems/problem.filter.js';
import {
  ProviderReportsController,
  PROVIDER_REPORT_DEPS,
  type ProviderReportDeps,
} from './operations/provider.reports.controller.js';
import { checkRequests } from './request.module.js';
import { ReportsController } from './reports/reports.controller.js';
import { ReviewController } from './review/review.controller.js';
import { ScenesController } from './review/scenes.controller.js';
import { StreamLimit } from './http/sse.js';
import { uploadLimit } from './media/upload.check.js';
import { type Forget, type RetentionDeps, startRetention } from './retention/retention.js';
import { DELIVERY_DEPS, type DeliveryDeps, NotifierActor, WebhookActor } from './webhooks/webhook.actor.js';
import { WebhookLanes } from './webhooks/webhook.lanes.js';
import { WaitingDeliveries } from './webhooks/webhook.waiting.js';
import { type SigningRules } from './webhooks/webhook.signature.js';
import { WebhooksController } from './webhooks/webhooks.controller.js';

/** Timeout of a request to the cost service, ms. */
const COST_TIMEOUT_MS = 3000;
/** Timeout of a readiness probe, ms. */
const READY_TIMEOUT_MS = 2000;

const RETENTION = Symbol('RETENTION');
const METRICS_LEADER = Symbol('METRICS_LEADER');
const BUDGET_SWEEPER = Symbol('BUDGET_SWEEPER');

@Module({})
class GatewayModule {}

/** Closes the request-reply connection when the application shuts down. */
class RequestClient implements OnModuleDestroy {
  constructor(readonly client: ClientProxy) {}

  async onModuleDestroy(): Promise<void> {
    await this.client.close();
  }
}

/** Closes the stores after the last request. */
class StoresCloser implements OnApplicationShutdown {
  constructor(private readonly stores: OpenStores) {}

  async onApplicationShutdown(): Promise<void> {
    await this.stores.close();
  }
}

export async function gatewayModule(runtime: ServiceRuntime): Promise<DynamicModule> {
  const { config, connection, publish, cancellations, logger, workerId } = runtime;
  const scratch = await openScratch(config.tempDir, workerId);
  const media = openMedia(config, scratch.directory);
  await media.check();
  const requests = new RequestClient(
    ClientProxyFactory.create(questionTransport(accessOf(config), { name: `${workerId}.questions` })),
  );
  const stores = await openStores({ connection, config, waitMs: config.mongodbRequestWaitMs });
  const signing: SigningRules = { secret: config.webhookSecret, overlapMs: config.webhookSecretOverlapMs };
  const performanceReports = new PerformanceReports({
    collect: (traceId) => collectTrace(connection, traceId),
    analyze: analyzeInThread,
    now: () => Date.now(),
    limits: {
      kept: config.performanceReportsKept,
      settleMs: config.performanceReportSettleMs,
      refreshMs: config.performanceReportRefreshMs,
    },
  });
  if (config.budgetPerOwnerMicros !== undefined && (config.llmPrice ?? llmPrice(config.openaiModel)) === undefined)
    logger.warn(
      { model: config.openaiModel },
      'the price of the language model is unknown: the gateway refuses every create while BUDGET_PER_OWNER_USD is set; set LLM_INPUT_PRICE_USD_PER_MTOK and LLM_OUTPUT_PRICE_USD_PER_MTOK',
    );
  const deps: GatewayDeps = {
    stores,
    artifacts: await openArtifactFolder({ directory: config.artifactsDir }),
    publish,
    cancellations,
    logger,
    events: (generationId, signal) => readEvents(connection, generationId, { signal }),
    hasAllEvents: (start) => hasAllEvents(connection, start),
    lastEventSequence: () => lastEventSequence(connection),
    performance: (traceId, endedMs) => performanceReports.of(traceId, endedMs),
    cost: (generationId) => ask(requests.client, CostSummary, { generationId }, COST_TIMEOUT_MS),
    defaults: {
      models: config.videoModels,
      parallelEnabled: config.enableParallelVideoGeneration,
      maxWorkers: config.maxParallelVideoWorkers,
      fallbackAfter: config.sequentialFallbackAfter,
    },
    imageRules: {
      timeoutMs: config.referenceImageTimeoutMs,
      maxBytes: REFERENCE_IMAGE_LIMIT_BYTES,
      allowPrivate: config.allowPrivateUrls,
    },
    uploads: {
      media,
      scratch,
      limit: uploadLimit(config.uploadChecks),
      timeoutMs: config.uploadCheckTimeoutMs,
      musicMinSeconds: config.musicMinMs / 1000,
    },
    webhookRules: { allowPrivate: config.allowPrivateUrls, perOwner: config.webhooksPerOwner, signing },
    llm: { model: config.openaiModel, tries: config.llmAttempts, price: config.llmPrice },
    budget:
      config.budgetPerOwnerMicros === undefined
        ? undefined
        : { limitMicros: config.budgetPerOwnerMicros, period: config.budgetPeriod },
    sseHeartbeatMs: config.sseHeartbeatMs,
    streamLimit: new StreamLimit(config.sseStreams),
    ownerOf: createAccess(config.apiKeys),
  };
  const health: HealthDeps = {
    check: () =>
      withTimeout(READY_TIMEOUT_MS, async () => {
        await connection.flush();
        await deps.stores.generations.get(`gen_${'0'.repeat(32)}`);
      }),
  };
  const forget: Forget = (of) => purgeGeneration(connection, of);
  const deletion: DeletionDeps = { stores: deps.stores, forget, ownerOf: deps.ownerOf, logger };
  const retention: RetentionDeps = {
    stores: deps.stores,
    artifacts: deps.artifacts,
    forget,
    logger,
    now: () => Date.now(),
    retentionMs: config.retentionMs,
    orphanGraceMs: config.orphanGraceMs,
  };
  const reports: ProviderReportDeps = {
    secret: config.replicateWebhookSecret,
    nudge: (predictionId) => publishNudge(connection, predictionId),
  };
  const leader = new MetricsLeader({
    store: await openLimitStore(connection, { replicas: config.natsReplicas }),
    id: randomUUID(),
    leaseMs: config.metricsLeaseMs,
  });
  const metrics = new Metrics({
    broker: () => readBrokerState(connection),
    leads: () => leader.leads(),
    openStreams: () => deps.streamLimit.inUse,
  });
  const delivery: DeliveryDeps = {
    stores,
    rules: { timeoutMs: config.webhookTimeoutMs, allowPrivate: config.allowPrivateUrls },
    signing,
    lanes: new WebhookLanes({
      perEndpoint: config.webhookEndpointConcurrency,
      perOwner: config.webhookOwnerConcurrency,
      failures: config.webhookCircuitFailures,
      openMs: config.webhookCircuitOpenMs,
      maxOpenMs: config.webhookCircuitMaxMs,
    }),
    waiting: new WaitingDeliveries(config.webhookOwnerWaiting),
    retry: { firstDelayMs: config.webhookRetryFirstMs, maxDelayMs: config.webhookRetryMaxMs },
    waitMaxMs: config.webhookWaitMaxMs,
    logger,
    count: (outcome) => {
      metrics.countCall(outcome);
    },
    countEnd: (status) => {
      metrics.countEnd(status);
    },
  };
  const { budget } = deps;
  const owners = [...new Set(config.apiKeys.map((pair) => pair.slice(0, pair.indexOf(':'))))];
  const startSweeping = (rules: BudgetRules): (() => Promise<void>) =>
    startBudgetSweeper({
      stores,
      rules,
      owners: owners.length === 0 ? ['local'] : owners,
      publish,
      logger,
      intervalMs: config.budgetSweepMs,
    }).stop;
  return {
    module: GatewayModule,
    controllers: [
      GenerationsController,
      DeletionController,
      MediaController,
      MoneyController,
      ReportsController,
      ReviewController,
      ScenesController,
      ProviderReportsController,
      WebhooksController,
      NotifierActor,
      WebhookActor,
      HealthController,
      MetricsController,
    ],
    providers: [
      { provide: GATEWAY_DEPS, useValue: deps },
      { provide: HEALTH_DEPS, useValue: health },
      {
        provide: METRICS_DEPS,
        useValue: {
          metrics,
          access: {
            token: config.metricsToken,
            isLocal: config.apiKeys.length === 0 && config.publicUrl === undefined,
          },
        } satisfies MetricsDeps,
      },
      {
        provide: METRICS_LEADER,
        // The broker may be unavailable; the lease expires on its own.
        useValue: {
          onModuleDestroy: () => withTimeout(READY_TIMEOUT_MS, () => leader.resign()).catch(() => undefined),
        },
      },
      { provide: PROVIDER_REPORT_DEPS, useValue: reports },
      { provide: DELIVERY_DEPS, useValue: delivery },
      { provide: RequestClient, useValue: requests },
      { provide: DELETION_DEPS, useValue: deletion },
      {
        provide: RETENTION,
        useFactory: () => ({ onModuleDestroy: startRetention(retention, config.retentionSweepMs).stop }),
      },
      { provide: StoresCloser, useValue: new StoresCloser(stores) },
      {
        provide: BUDGET_SWEEPER,
        useFactory: () => (budget === undefined ? {} : { onModuleDestroy: startSweeping(budget) }),
      },
    ],
  };
}

/**
 * The HTTP application with its inboxes started, not yet listening. Throws when it would accept requests from other machines
 * without an API key.
 */
export async function createGateway(runtime: ServiceRuntime): Promise<NestExpressApplication> {
  const { config, logger } = runtime;
  refuseUnprotectedHost(config.gatewayHost, config.apiKeys);
  refuseSharedToken(config.metricsToken, config.apiKeys);
  const app = await NestFactory.create<NestExpressApplication>(await gatewayModule(runtime), {
    logger: nestLogger(logger),
    bodyParser: false,
    // A provider signs the bytes of its report.
    rawBody: true,
    abortOnError: false,
    forceCloseConnections: true,
  });
  app.getHttpServer().keepAliveTimeout = config.keepAliveMs;
  app.disable('x-powered-by');
  app.use(app.get<MetricsDeps>(METRICS_DEPS).metrics.measure);
  checkRequests(app, config);
  app.useGlobalFilters(new ProblemFilter(logger));
  serveDocs(app);
  const strategy = await openInboxes(runtime, inboxSettings(config));
  app.connectMicroservice({ strategy });
  await app.startAllMicroservices();
  return app;
}
