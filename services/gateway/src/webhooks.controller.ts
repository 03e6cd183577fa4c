import { randomBytes } from 'node:crypto';
import { createWebhookSchema, cutText } from '@clipmesh/contracts';
import { type WebhookEndpoint } from '@clipmesh/persistence';
import { Body, Controller, Delete, Get, Headers, HttpCode, Inject, Param, Post } from '@nestjs/common';
import { ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import {
  newWebhookView,
  type NewWebhookView,
  webhookListView,
  type WebhookListView,
  webhookView,
  type WebhookView,
} from './api.schemas.js';
import { Answers, Refuses } from './docs.module.js';
import { GATEWAY_PARTS, type GatewayParts, requireOwner } from './gateway.parts.js';
import { parseBody } from './job.builder.js';
import { ProblemError } from './problem.js';
import { changeBook, removeEndpoint } from './webhook.book.js';
import { newWebhookSecret } from './webhook.signature.js';
import { checkWebhookUrl } from './webhook.url.js';

const shown = ({ id, url, events, createdAt }: WebhookEndpoint): WebhookView => ({ id, url, events, createdAt });

const notFound = (id: string): ProblemError =>
  new ProblemError(
    404,
    'WEBHOOK_NOT_FOUND',
    'No such webhook',
    `there is no webhook ${cutText(id, 64)}; GET /v1/webhooks lists yours`,
  );

/** Where an owner wants to be told what became of all generations. */
@ApiTags('webhooks')
@Controller('v1/webhooks')
export class WebhooksController {
  constructor(@Inject(GATEWAY_PARTS) private readonly parts: GatewayParts) {}

  @Post()
  @ApiOperation({ summary: 'Register a webhook; its secret is shown this once' })
  @Answers(201, 'Registered.', newWebhookView)
  @Refuses(400, 401, 409, 413, 415, 503)
  async registerWebhook(
    @Body({ schema: createWebhookSchema }) body: unknown,
    @Headers('authorization') authorization: string | undefined,
  ): Promise<NewWebhookView> {
    const { stores, webhookRules } = this.parts;
    const owner = requireOwner(this.parts, authorization);
    const { url, events } = parseBody(createWebhookSchema, body);
    checkWebhookUrl(url, 'url', webhookRules);
    const endpoint: WebhookEndpoint = {
      id: `wh_${randomBytes(16).toString('hex')}`,
      url,
      events,
      secret: newWebhookSecret(),
      createdAt: new Date().toISOString(),
    };
    await changeBook(stores.webhooks, owner, (endpoints) => {
      if (endpoints.length >= webhookRules.perOwner)
        throw new ProblemError(
          409,
          'TOO_MANY_WEBHOOKS',
          'There are too many webhooks',
          `you have ${endpoints.length}, and WEBHOOKS_PER_OWNER allows ${webhookRules.perOwner}; remove one first`,
          { extensions: { retryable: false } },
        );
      return [...endpoints, endpoint];
    });
    return { ...shown(endpoint), secret: endpoint.secret };
  }

  @Get()
  @ApiOperation({ summary: 'List your webhooks' })
  @Answers(200, 'All of them, oldest first.', webhookListView)
  @Refuses(401, 503)
  async listWebhooks(@Headers('authorization') authorization: string | undefined): Promise<WebhookListView> {
    return { webhooks: (await this.endpoints(authorization)).map(shown) };
  }

  @Get(':id')
  @ApiOperation({ summary: 'Read a webhook' })
  @Answers(200, 'The webhook, without its secret.', webhookView)
  @Refuses(401, 404, 503)
  async readWebhook(
    @Param('id') id: string,
    @Headers('authorization') authorization: string | undefined,
  ): Promise<WebhookView> {
    const found = (await this.endpoints(authorization)).find((endpoint) => endpoint.id === id);
    if (found === undefined) throw notFound(id);
    return shown(found);
  }

  @Delete(':id')
  @HttpCode(204)
  @ApiOperation({ summary: 'Remove a webhook; what it was still to be told is dropped' })
  @ApiResponse({ status: 204, description: 'Removed.' })
  @Refuses(401, 404, 503)
  async removeWebhook(
    @Param('id') id: string,
    @Headers('authorization') authorization: string | undefined,
  ): Promise<void> {
    const owner = requireOwner(this.parts, authorization);
    if (!(await removeEndpoint(this.parts.stores.webhooks, owner, id))) throw notFound(id);
  }

  private async endpoints(authorization: string | undefined): Promise<readonly WebhookEndpoint[]> {
    const owner = requireOwner(this.parts, authorization);
    return (await this.parts.stores.webhooks.get(owner))?.value.endpoints ?? [];
  }
}
