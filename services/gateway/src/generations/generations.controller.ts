import { type ModelTable } from '@clipmesh/billing';
import { type CreateGeneration, createGenerationSchema, GENERATION_STATUSES } from '@clipmesh/contracts';
import { type Stores } from '@clipmesh/persistence';
import { Body, Controller, Get, Headers, Inject, Param, Post, Query, Res } from '@nestjs/common';
import { ApiHeader, ApiOperation, ApiQuery, ApiTags } from '@nestjs/swagger';
import { type Response } from 'express';
import { acceptedView, generationView, type GenerationView, pageView, type PageView } from '../http/api.schemas.js';
import { Owner } from '../http/auth/auth.decorator.js';
import { ApiJsonResponse, ApiProblems } from '../http/openapi.module.js';
import { SchemaPipe } from '../http/schema.pipe.js';
import { MODELS, STORES } from '../runtime/runtime.tokens.js';
import { GenerationCreator } from './generation.create.js';
import { acceptedOf, viewOf } from './generation.view.js';
import { listQuery, type ListQuery, PAGE } from './list.query.js';
import { OwnedGenerations } from './owned.generations.js';

@ApiTags('generations')
@Controller('v1/generations')
export class GenerationsController {
  constructor(
    @Inject(OwnedGenerations) private readonly owned: OwnedGenerations,
    @Inject(GenerationCreator) private readonly creator: GenerationCreator,
    @Inject(STORES) private readonly stores: Pick<Stores, 'generations'>,
    @Inject(MODELS) private readonly models: ModelTable,
  ) {}

  @Post()
  @ApiOperation({ summary: 'Create a generation' })
  @ApiHeader({
    name: 'Idempotency-Key',
    required: false,
    description:
      'Makes a create safe to retry: the same key with the same body (compared as a JSON value) returns the same generation with its current status.',
  })
  @ApiJsonResponse(202, 'Accepted. `Location` is the URL of the generation.', acceptedView)
  @ApiProblems(400, 401, 402, 409, 413, 415, 422, 429, 503)
  async create(
    @Body({ schema: createGenerationSchema }) request: CreateGeneration,
    @Owner() owner: string,
    @Headers('idempotency-key') key: string | undefined,
    @Res() response: Response,
  ): Promise<void> {
    const { id, isNew, state } = await this.creator.create(request, { owner, key });
    if (!isNew) response.set('Idempotency-Replayed', 'true');
    // Do not read back what this request stored: a failed read would turn a successful create into an error.
    const answer = acceptedOf(id, state ?? (await this.owned.find(id, owner)).state);
    response.status(202).location(answer.links.self).json(answer);
  }

  @Get()
  @ApiOperation({ summary: 'List your generations, newest first' })
  @ApiQuery({ name: 'status', required: false, enum: GENERATION_STATUSES })
  @ApiQuery({
    name: 'limit',
    required: false,
    schema: { type: 'integer', minimum: 1, maximum: PAGE.max, default: PAGE.default },
  })
  @ApiQuery({ name: 'after', required: false, description: '`next` of the previous page.', type: String })
  @ApiJsonResponse(200, 'A page of generations.', pageView)
  @ApiProblems(400, 401, 503)
  async list(@Owner() owner: string, @Query(new SchemaPipe(listQuery)) query: ListQuery): Promise<PageView> {
    // One extra record shows whether there is another page.
    const records = await this.stores.generations.list({ ...query, owner, limit: query.limit + 1 });
    const page = records.slice(0, query.limit);
    const last = page.at(-1);
    return {
      generations: page.map((record) => viewOf(record, this.models)),
      ...(records.length > page.length && last !== undefined ? { next: last.id } : {}),
    };
  }

  @Get(':id')
  @ApiOperation({ summary: 'Get a generation' })
  @ApiJsonResponse(200, 'The generation.', generationView)
  @ApiProblems(401, 404, 503)
  async read(@Param('id') id: string, @Owner() owner: string): Promise<GenerationView> {
    return viewOf(await this.owned.find(id, owner), this.models);
  }
}
