import { type Config } from '@clipmesh/config';
import {
  accessOf,
  ask,
  collectTrace,
  CostSummary,
  hasAllEvents,
  questionTransport,
  readEvents,
} from '@clipmesh/messaging';
import { Module } from '@nestjs/common';
import { type ClientProxy, ClientsModule } from '@nestjs/microservices';
import { GenerationsModule } from '../generations/generations.module.js';
import { CONFIG, type Connection, CONNECTION, WORKER_ID } from '../runtime/runtime.tokens.js';
import { EventStreams } from './event.streams.js';
import { analyzeInThread, PerformanceReports } from './performance.reports.js';
import { COST_OF, type CostOf, ReportsController } from './reports.controller.js';

/** Timeout of a request to the cost service, ms. */
const COST_TIMEOUT_MS = 3000;

/** The client that asks other services. */
const QUESTIONS = Symbol('QUESTIONS');

/** Serves the events, the cost and the performance of generations. */
@Module({
  imports: [
    GenerationsModule,
    ClientsModule.registerAsync([
      {
        name: QUESTIONS,
        inject: [CONFIG, WORKER_ID],
        useFactory: (config: Config, workerId: string) =>
          questionTransport(accessOf(config), { name: `${workerId}.questions` }),
      },
    ]),
  ],
  controllers: [ReportsController],
  providers: [
    {
      provide: COST_OF,
      inject: [QUESTIONS],
      useFactory:
        (questions: ClientProxy): CostOf =>
        (generationId) =>
          ask(questions, CostSummary, { generationId }, COST_TIMEOUT_MS),
    },
    {
      provide: EventStreams,
      inject: [CONFIG, CONNECTION],
      useFactory: ({ sseHeartbeatMs, sseStreams }: Config, connection: Connection) =>
        new EventStreams({
          events: (generationId, signal) => readEvents(connection, generationId, { signal }),
          hasAllEvents: (start) => hasAllEvents(connection, start),
          heartbeatMs: sseHeartbeatMs,
          perOwner: sseStreams,
        }),
    },
    {
      provide: PerformanceReports,
      inject: [CONFIG, CONNECTION],
      useFactory: (config: Config, connection: Connection) =>
        new PerformanceReports({
          collect: (traceId) => collectTrace(connection, traceId),
          analyze: analyzeInThread,
          now: () => Date.now(),
          limits: {
            kept: config.performanceReportsKept,
            settleMs: config.performanceReportSettleMs,
            refreshMs: config.performanceReportRefreshMs,
          },
        }),
    },
  ],
  exports: [EventStreams],
})
export class ReportsModule {}
