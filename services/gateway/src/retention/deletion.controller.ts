import { ClipmeshError, isFinal } from '@clipmesh/contracts';
import { type Stores } from '@clipmesh/persistence';
import { Controller, Delete, Headers, HttpCode, Inject, Param } from '@nestjs/common';
import { ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import { ApiProblems } from '../http/openapi.module.js';
import { findOwned, type GatewayDeps } from '../gateway.deps.js';
import { ProblemError, unavailable } from '../http/problems/problem.js';
import { type Forget, removeGeneration } from './retention.js';

export const DELETION_DEPS = Symbol('DELETION_DEPS');
export interface DeletionDeps extends Pick<GatewayDeps, 'ownerOf' | 'logger'> {
  readonly stores: Stores;
  readonly forget: Forget;
}

@ApiTags('generations')
@Controller('v1/generations')
export class DeletionController {
  constructor(@Inject(DELETION_DEPS) private readonly deps: DeletionDeps) {}

  @Delete(':id')
  @HttpCode(204)
  @ApiOperation({ summary: 'Delete an ended generation and its data' })
  @ApiResponse({ status: 204, description: 'Deleted. Its charges stay in the ledger.' })
  @ApiProblems(401, 404, 409, 503)
  async remove(@Param('id') id: string, @Headers('authorization') authorization: string | undefined): Promise<void> {
    const record = await findOwned(this.deps, id, authorization);
    const { status } = record.state;
    if (!isFinal(status))
      throw new ProblemError(
        409,
        'NOT_ENDED',
        'The generation has not ended',
        `the generation is ${status}; cancel it first with POST /v1/generations/${id}/cancel`,
        { extensions: { retryable: true } },
      );
    try {
      await removeGeneration(this.deps, record);
    } catch (error) {
      if (error instanceof ClipmeshError && error.code === 'STORE_UNAVAILABLE')
        throw unavailable('STILL_SETTLING', 'the last events of the generation are still being handled', error);
      throw error;
    }
    this.deps.logger.info({ generationId: id }, 'generation deleted by its owner');
  }
}
