import { type Artifact, type GenerationResult } from '@clipmesh/contracts';
import { Controller, Get, Headers, Inject, Param, Req, Res } from '@nestjs/common';
import { ApiHeader, ApiOperation, ApiTags } from '@nestjs/swagger';
import { type Request, type Response } from 'express';
import { sendArtifact } from './artifact.response.js';
import { captionsOf } from './captions.js';
import { ApiContentResponse, ApiProblems } from '../http/openapi.module.js';
import { findOwned, GATEWAY_DEPS, type GatewayDeps } from '../gateway.deps.js';
import { notReady } from '../http/problems/problem.js';

/** The files of a generation. Every route also answers HEAD. */
@ApiTags('files')
@Controller('v1/generations')
export class MediaController {
  constructor(@Inject(GATEWAY_DEPS) private readonly deps: GatewayDeps) {}

  @Get(':id/video')
  @ApiOperation({ summary: 'Download the video' })
  @ApiHeader({ name: 'Range', required: false, description: 'One byte range, for example `bytes=0-1023`.' })
  @ApiContentResponse(200, 'The MP4 file. `ETag` is the SHA-256 of its bytes.', 'video/mp4', 'binary')
  @ApiContentResponse(206, 'The requested range.', 'video/mp4', 'binary')
  @ApiProblems(401, 404, 409, 416, 503)
  async video(
    @Param('id') id: string,
    @Headers('authorization') authorization: string | undefined,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    await sendArtifact(this.deps.artifacts, await this.file(id, authorization, 'video'), request, response);
  }

  @Get(':id/thumbnail')
  @ApiOperation({ summary: 'Download the thumbnail' })
  @ApiHeader({ name: 'Range', required: false, description: 'One byte range, for example `bytes=0-1023`.' })
  @ApiContentResponse(200, 'The JPEG file. `ETag` is the SHA-256 of its bytes.', 'image/jpeg', 'binary')
  @ApiContentResponse(206, 'The requested range.', 'image/jpeg', 'binary')
  @ApiProblems(401, 404, 409, 416, 503)
  async thumbnail(
    @Param('id') id: string,
    @Headers('authorization') authorization: string | undefined,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    await sendArtifact(this.deps.artifacts, await this.file(id, authorization, 'thumbnail'), request, response);
  }

  @Get(':id/captions.vtt')
  @ApiOperation({ summary: 'Download the captions: the overlay texts with their times' })
  @ApiContentResponse(200, 'WebVTT. Without a cue when the video has no texts.', 'text/vtt')
  @ApiProblems(401, 404, 409, 503)
  async captions(
    @Param('id') id: string,
    @Headers('authorization') authorization: string | undefined,
    @Res() response: Response,
  ): Promise<void> {
    const { plan, result, status, failure } = (await findOwned(this.deps, id, authorization)).state;
    if (plan === undefined || result === undefined) throw notReady('captions', status, failure);
    response.set({ 'Cache-Control': 'private, no-cache', 'X-Content-Type-Options': 'nosniff' });
    response.type('text/vtt').send(captionsOf(plan));
  }

  private async file(
    id: string,
    authorization: string | undefined,
    which: keyof Pick<GenerationResult, 'video' | 'thumbnail'>,
  ): Promise<Artifact> {
    const { result, previousResult, status, failure } = (await findOwned(this.deps, id, authorization)).state;
    const current = result ?? previousResult;
    if (current === undefined) throw notReady(which, status, failure);
    return current[which];
  }
}
