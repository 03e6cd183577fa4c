import { answerQuestion, CostSummary, type CostSummaryAnswer } from '@clipmesh/messaging';
import { type LedgerStore } from '@clipmesh/persistence';
import { Controller, Inject } from '@nestjs/common';
import { Ctx, MessagePattern, NatsContext, Payload } from '@nestjs/microservices';
import { summaryOf } from './summary.js';

export const LEDGER = Symbol('LEDGER');

/** Answers what a generation has cost so far. */
@Controller()
export class CostQuestions {
  constructor(@Inject(LEDGER) private readonly ledger: LedgerStore) {}

  @MessagePattern(CostSummary.name)
  summary(@Payload() raw: unknown, @Ctx() asked: NatsContext): Promise<CostSummaryAnswer> {
    return answerQuestion(CostSummary, raw, asked, async ({ generationId }) =>
      summaryOf(await this.ledger.entries(generationId)),
    );
  }
}
