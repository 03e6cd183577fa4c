import { type Artifact, type GenerationResult } from '@clipmesh/contracts';
import { type ArtifactStore } from '@clipmesh/persistence';
import { applyDecorators, Controller, Get, Inject, Param, Req, Res } from '@nestjs/common';
import { ApiHeader, ApiOperation, ApiTags } from '@nestjs/swagger';
import { type Request, type Response } from 'express';
import { OwnedGenerations } from '../generations/owned.generations.js';
import { Owner } from '../http/auth/auth.decorator.js';
import { ApiContentResponse, ApiProblems } from '../http/openapi.module.js';
import { notReady } from '../http/problems/problem.js';
import { ARTIFACTS } from '../runtime/runtime.tokens.js';
import { sendArtifact } from './artifact.response.js';
import { captionsOf } from './captions.js';

type FileName = keyof Pick<GenerationResult, 'video' | 'thumbnail'>;

/** Declares the route of a stored file, whole or by range. */
const GetFile = (name: FileName, kind: string, contentType: string): MethodDecorator =>
  applyDecorators(
    Get(`:id/${name}`),
    ApiOperation({ summary: `Download the ${name}` }),
    ApiHeader({ name: 'Range', required: false, description: 'One byte range, for example `bytes=0-1023`.' }),
    ApiContentResponse(200, `The ${kind} file. \`ETag\` is the SHA-256 of its bytes.`, contentType, 'binary'),
    ApiContentResponse(206, 'The requested range.', contentType, 'binary'),
    ApiProblems(401, 404, 409, 416, 503),
  );

/** The files of a generation. Every route also answers HEAD. */
@ApiTags('files')
@Controller('v1/generations')
export class MediaController {
  constructor(
    @Inject(OwnedGenerations) private readonly owned: OwnedGenerations,
    @Inject(ARTIFACTS) private readonly artifacts: Pick<ArtifactStore, 'open' | 'stat'>,
  ) {}

  @GetFile('video', 'MP4', 'video/mp4')
  async video(
    @Param('id') id: string,
    @Owner() owner: string,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    await sendArtifact(this.artifacts, await this.file(id, owner, 'video'), request, response);
  }

  @GetFile('thumbnail', 'JPEG', 'image/jpeg')
  async thumbnail(
    @Param('id') id: string,
    @Owner() owner: string,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    await sendArtifact(this.artifacts, await this.file(id, owner, 'thumbnail'), request, response);
  }

  @Get(':id/captions.vtt')
  @ApiOperation({ summary: 'Download the captions: the overlay texts with their times' })
  @ApiContentResponse(200, 'WebVTT. Without a cue when the video has no texts.', 'text/vtt')
  @ApiProblems(401, 404, 409, 503)
  async captions(@Param('id') id: string, @Owner() owner: string, @Res() response: Response): Promise<void> {
    const { plan, result, status, failure } = (await this.owned.find(id, owner)).state;
    if (plan === undefined || result === undefined) throw notReady('captions', status, failure);
    response.set({ 'Cache-Control': 'private, no-cache', 'X-Content-Type-Options': 'nosniff' });
    response.type('text/vtt').send(captionsOf(plan));
  }

  private async file(id: string, owner: string, name: FileName): Promise<Artifact> {
    const { result, previousResult, status, failure } = (await this.owned.find(id, owner)).state;
    const current = result ?? previousResult;
    if (current === undefined) throw notReady(name, status, failure);
    return current[name];
  }
}
