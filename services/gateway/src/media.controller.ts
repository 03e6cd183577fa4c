import { type Artifact, type GenerationResult } from '@clipmesh/contracts';
import { Controller, Get, Headers, Inject, Param, Req, Res } from '@nestjs/common';
import { ApiHeader, ApiOperation, ApiTags } from '@nestjs/swagger';
import { type Request, type Response } from 'express';
import { sendArtifact } from './artifact.response.js';
import { captionsOf } from './captions.js';
import { AnswersWith, Refuses } from './docs.module.js';
import { findOwned, GATEWAY_PARTS, type GatewayParts } from './gateway.parts.js';
import { notReady } from './problem.js';

/** The files of a generation; HEAD is answered too. */
@ApiTags('files')
@Controller('v1/generations')
export class MediaController {
  constructor(@Inject(GATEWAY_PARTS) private readonly parts: GatewayParts) {}

  @Get(':id/video')
  @ApiOperation({ summary: 'The film' })
  @ApiHeader({ name: 'Range', required: false, description: 'One byte range, for example `bytes=0-1023`.' })
  @AnswersWith(200, 'The MP4; `ETag` is the SHA-256 of its bytes.', 'video/mp4', 'binary')
  @AnswersWith(206, 'The part that was asked for.', 'video/mp4', 'binary')
  @Refuses(401, 404, 409, 416, 503)
  async video(
    @Param('id') id: string,
    @Headers('authorization') authorization: string | undefined,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    await sendArtifact(this.parts.artifacts, await this.file(id, authorization, 'video'), request, response);
  }

  @Get(':id/thumbnail')
  @ApiOperation({ summary: 'A picture of the film' })
  @ApiHeader({ name: 'Range', required: false, description: 'One byte range, for example `bytes=0-1023`.' })
  @AnswersWith(200, 'The picture; `ETag` is the SHA-256 of its bytes.', 'image/jpeg', 'binary')
  @AnswersWith(206, 'The part that was asked for.', 'image/jpeg', 'binary')
  @Refuses(401, 404, 409, 416, 503)
  async thumbnail(
    @Param('id') id: string,
    @Headers('authorization') authorization: string | undefined,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    await sendArtifact(this.parts.artifacts, await this.file(id, authorization, 'thumbnail'), request, response);
  }

  @Get(':id/captions.vtt')
  @ApiOperation({ summary: 'The texts of the film, with their times' })
  @AnswersWith(200, 'WebVTT; without a cue when the film has no texts.', 'text/vtt')
  @Refuses(401, 404, 409, 503)
  async captions(
    @Param('id') id: string,
    @Headers('authorization') authorization: string | undefined,
    @Res() response: Response,
  ): Promise<void> {
    const { plan, result, status, failure } = (await findOwned(this.parts, id, authorization)).state;
    if (plan === undefined || result === undefined) throw notReady('captions', status, failure);
    response.set({ 'Cache-Control': 'private, no-cache', 'X-Content-Type-Options': 'nosniff' });
    response.type('text/vtt').send(captionsOf(plan));
  }

  private async file(
    id: string,
    authorization: string | undefined,
    which: keyof Pick<GenerationResult, 'video' | 'thumbnail'>,
  ): Promise<Artifact> {
    const { result, former, status, failure } = (await findOwned(this.parts, id, authorization)).state;
    const film = result ?? former;
    if (film === undefined) throw notReady(which, status, failure);
    return film[which];
  }
}
