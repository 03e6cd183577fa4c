import { hasLanguageModel } from '@clipmesh/config';
import {
  collectTrace,
  directorCaughtUp,
  purgeAcked,
  openCacheNudges,
  readBacklog,
  type ServiceRuntime,
  startStreamKeeper,
  systemClock,
} from '@clipmesh/messaging';
import { openPurchaseCache } from '@clipmesh/purchasing';
import { openStores } from '@clipmesh/persistence';
import { createOpenAiPlanModel, loadModels } from '@clipmesh/providers';
import { type DynamicModule, Module } from '@nestjs/common';
import { DIRECTOR_DEPS, DirectorActor } from './director/director.actor.js';
import { PLANNER_DEPS, PlannerActor, type PlannerDeps } from './planning/planner.actor.js';
import { REPORT_DEPS, type ReportDeps } from './reporting/report.host.js';
import { ReportActor } from './reporting/report.actor.js';
import { startSweeper } from './sweeping/stall.sweeper.js';

const CACHE_NUDGES = Symbol('CACHE_NUDGES');
const STREAM_KEEPER = Symbol('STREAM_KEEPER');
const SWEEPER = Symbol('SWEEPER');
const STORES = Symbol('STORES');

@Module({})
class PlannerModule {}

/** The planner module: writes plans, hosts the director, and reports performance. */
export async function plannerModule(runtime: ServiceRuntime): Promise<DynamicModule> {
  const { config, logger, connection, publish, cancellations } = runtime;
  const stores = await openStores({ connection, config });
  const { generations } = stores;
  const models = await loadModels(config.modelsFile);
  const { openaiApiKey: apiKey, openaiBaseUrl: baseUrl } = config;
  const planModel = !hasLanguageModel({ OPENAI_API_KEY: apiKey, OPENAI_BASE_URL: baseUrl })
    ? undefined
    : createOpenAiPlanModel({
        apiKey,
        baseUrl,
        model: config.openaiModel,
        timeoutMs: config.openaiApiTimeoutMs,
        store: config.openaiStore,
        price: config.llmPrice,
        maxTokens: { usual: config.llmMaxTokens, retry: config.llmRetryMaxTokens },
        maxTokensField: config.llmMaxTokensField,
        log: logger,
      });
  if (planModel === undefined) logger.info('OPENAI_API_KEY is not set; writing plans from templates');
  if (planModel !== undefined && planModel.quoteMicros === undefined)
    logger.warn(
      { model: config.openaiModel },
      'unknown language model price; plans are recorded as unpriced and requests with a budget are rejected; set LLM_INPUT_PRICE_USD_PER_MTOK and LLM_OUTPUT_PRICE_USD_PER_MTOK',
    );
  const cacheNudges = openCacheNudges(connection);
  const cache = openPurchaseCache(config, { stores, nudges: cacheNudges, logger });
  const report: ReportDeps = {
    generations,
    logger,
    // Without the stream no spans are stored.
    trace: config.traceStream ? (traceId, signal) => collectTrace(connection, traceId, signal) : undefined,
  };
  return {
    module: PlannerModule,
    controllers: [PlannerActor, DirectorActor, ReportActor],
    providers: [
      {
        provide: PLANNER_DEPS,
        useValue: {
          purchase: planModel && {
            planModel,
            purchases: stores.purchases,
            cache: cache && {
              ...cache,
              provider: `openai ${config.openaiBaseUrl}`,
              timeoutMs: config.openaiApiTimeoutMs,
            },
            logger,
            isCanceled: (generationId) => cancellations.check(generationId),
          },
          publish,
          logger,
        } satisfies PlannerDeps,
      },
      {
        provide: CACHE_NUDGES,
        useValue: {
          onModuleDestroy: () => {
            cacheNudges.close();
          },
        },
      },
      { provide: DIRECTOR_DEPS, useValue: { generations, models, logger, clock: systemClock } },
      { provide: REPORT_DEPS, useValue: report },
      { provide: STORES, useValue: { onApplicationShutdown: () => stores.close() } },
      {
        provide: STREAM_KEEPER,
        useFactory: () => ({
          onModuleDestroy: startStreamKeeper(connection, {
            intervalMs: config.sweepIntervalMs,
            keepMs: config.eventsKeepMs,
            logger,
          }).stop,
        }),
      },
      {
        provide: SWEEPER,
        useFactory: () => ({
          onModuleDestroy: startSweeper({
            generations,
            publish,
            logger,
            clock: systemClock,
            dropSettled: () => purgeAcked(connection),
            backlog: () => readBacklog(connection),
            isDirectorCaughtUp: (generationId) => directorCaughtUp(connection, generationId),
            intervalMs: config.sweepIntervalMs,
            stallAfterMs: config.stallAfterMs,
            maxRevivals: config.maxRevivals,
            approvalMs: config.approvalMs,
          }).stop,
        }),
      },
    ],
  };
}
