import { answerQuestion, CostSummary, type CostSummaryAnswer } from '@clipmesh/messaging';
import { type LedgerStore } from '@clipmesh/persistence';
import { Controller, Inject } from '@nestjs/common';
import { Ctx, MessagePattern, NatsContext, Payload } from '@nestjs/microservices';
import { summaryOf } from '@clipmesh/billing';

export const LEDGER = Symbol('LEDGER');

/** Answers requests for the cost of a generation so far. */
@Controller()
export class CostQuestions {
  constructor(@Inject(LEDGER) private readonly ledger: LedgerStore) {}

  @MessagePattern(CostSummary.name)
  summary(@Payload() raw: unknown, @Ctx() request: NatsContext): Promise<CostSummaryAnswer> {
    return answerQuestion(CostSummary, raw, request, async ({ generationId }) =>
      summaryOf(await this.ledger.entries(generationId)),
    );
  }
}
