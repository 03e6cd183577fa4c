import { type ModelTable } from '@clipmesh/billing';
import { type Config } from '@clipmesh/config';
import { publishNudge } from '@clipmesh/messaging';
import { type ArtifactStore, openProviderReports, type Stores } from '@clipmesh/persistence';
import { Module } from '@nestjs/common';
import { Metrics } from '../operations/metrics.js';
import { OperationsModule } from '../operations/operations.module.js';
import {
  ARTIFACTS,
  CONFIG,
  type Connection,
  CONNECTION,
  type Logger,
  LOGGER,
  MODELS,
  STORES,
} from '../runtime/runtime.tokens.js';
import {
  PROVIDER_REPORT_DEPS,
  type ProviderReportDeps,
  ProviderReportsController,
} from './provider.reports.controller.js';
import { DELIVERY_DEPS, type DeliveryDeps, NotifierActor, WebhookActor } from './webhook.actor.js';
import { WebhookLanes } from './webhook.lanes.js';
import { type SigningRules } from './webhook.signature.js';
import { WaitingDeliveries } from './webhook.waiting.js';
import { WEBHOOK_RULES, type WebhookRules, WebhooksController } from './webhooks.controller.js';

const signingOf = ({ webhookSecret, webhookSecretOverlapMs }: Config): SigningRules => ({
  secret: webhookSecret,
  overlapMs: webhookSecretOverlapMs,
});

/** Keeps the webhooks of owners, delivers events to them, and receives the webhooks of providers. */
@Module({
  imports: [OperationsModule],
  controllers: [ProviderReportsController, WebhooksController, NotifierActor, WebhookActor],
  providers: [
    {
      provide: WEBHOOK_RULES,
      inject: [CONFIG],
      useFactory: (config: Config): WebhookRules => ({
        allowPrivate: config.allowPrivateUrls,
        perOwner: config.webhooksPerOwner,
        signing: signingOf(config),
      }),
    },
    {
      provide: PROVIDER_REPORT_DEPS,
      inject: [CONFIG, CONNECTION, STORES, ARTIFACTS, LOGGER],
      useFactory: (
        settings: Config,
        connection: Connection,
        stores: Stores,
        artifacts: ArtifactStore,
        logger: Logger,
      ): ProviderReportDeps => ({
        settings,
        artifacts,
        record: openProviderReports(stores.idempotency).record,
        nudge: (id) => publishNudge(connection, id),
        logger,
      }),
    },
    {
      provide: DELIVERY_DEPS,
      inject: [CONFIG, STORES, MODELS, LOGGER, Metrics],
      useFactory: (
        config: Config,
        stores: Stores,
        models: ModelTable,
        logger: Logger,
        metrics: Metrics,
      ): DeliveryDeps => ({
        stores,
        models,
        rules: { timeoutMs: config.webhookTimeoutMs, allowPrivate: config.allowPrivateUrls },
        signing: signingOf(config),
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
      }),
    },
  ],
})
export class WebhooksModule {}
