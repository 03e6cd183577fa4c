import { ClipmeshError, isFinal } from '@clipmesh/contracts';
import { type Stores } from '@clipmesh/persistence';
import { Controller, Delete, HttpCode, Inject, Param } from '@nestjs/common';
import { ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import { OwnedGenerations } from '../generations/owned.generations.js';
import { Owner } from '../http/auth/auth.decorator.js';
import { ApiProblems } from '../http/openapi.module.js';
import { ProblemError, unavailable } from '../http/problems/problem.js';
import { type Logger, LOGGER, STORES } from '../runtime/runtime.tokens.js';
import { FORGET, type Forget, removeGeneration } from './retention.js';

@ApiTags('generations')
@Controller('v1/generations')
export class DeletionController {
  constructor(
    @Inject(OwnedGenerations) private readonly owned: OwnedGenerations,
    @Inject(STORES) private readonly stores: Stores,
    @Inject(FORGET) private readonly forget: Forget,
    @Inject(LOGGER) private readonly logger: Pick<Logger, 'info'>,
  ) {}

  @Delete(':id')
  @HttpCode(204)
  @ApiOperation({ summary: 'Delete an ended generation and its data' })
  @ApiResponse({ status: 204, description: 'Deleted. Its charges stay in the ledger.' })
  @ApiProblems(401, 404, 409, 503)
  async remove(@Param('id') id: string, @Owner() owner: string): Promise<void> {
    const record = await this.owned.find(id, owner);
    const { status } = record.state;
    if (!isFinal(status))
      throw new ProblemError(
        409,
        'NOT_ENDED',
        'The generation has not ended',
        `the generation is ${status}; cancel it first with POST /v1/generations/${id}/cancel`,
        { extensions: { retryable: true } },
      );
    const { stores, forget } = this;
    try {
      await removeGeneration({ stores, forget }, record);
    } catch (error) {
      if (error instanceof ClipmeshError && error.code === 'STORE_UNAVAILABLE')
        throw unavailable('STILL_SETTLING', 'the last events of the generation are still being handled', error);
      throw error;
    }
    this.logger.info({ generationId: id }, 'generation deleted by its owner');
  }
}
