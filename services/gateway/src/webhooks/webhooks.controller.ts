import { randomBytes } from 'node:crypto';
import { createWebhookSchema, cutText } from '@clipmesh/contracts';
import { type WebhookRegistrations, type WebhookEndpoint } from '@clipmesh/persistence';
import { Body, Controller, Delete, Get, Headers, HttpCode, Inject, Param, Post } from '@nestjs/common';
import { ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import {
  newWebhookView,
  type NewWebhookView,
  webhookListView,
  type WebhookListView,
  webhookSecretView,
  type WebhookSecretView,
  webhookView,
  type WebhookView,
} from '../http/api.schemas.js';
import { ApiJsonResponse, ApiProblems } from '../http/openapi.module.js';
import { GATEWAY_DEPS, type GatewayDeps, requireOwner } from '../gateway.deps.js';
import { parseBody } from '../generations/job.builder.js';
import { ProblemError } from '../http/problems/problem.js';
import { updateWebhooks, removeEndpoint } from './webhook.store.js';
import { isOverlap, newWebhookSecret, ownerSecret } from './webhook.signature.js';
import { checkWebhookUrl } from './webhook.url.js';

const webhookViewOf = ({ id, url, events, createdAt }: WebhookEndpoint): WebhookView => ({
  id,
  url,
  events,
  createdAt,
});

const notFound = (id: string): ProblemError =>
  new ProblemError(
    404,
    'WEBHOOK_NOT_FOUND',
    'No such webhook',
    `there is no webhook ${cutText(id, 64)}; GET /v1/webhooks lists yours`,
  );

/** The webhooks of an owner, and the secret that signs deliveries to the `webhookUrl` of generations. */
@ApiTags('webhooks')
@Controller('v1/webhooks')
export class WebhooksController {
  constructor(@Inject(GATEWAY_DEPS) private readonly deps: GatewayDeps) {}

  @Post()
  @ApiOperation({ summary: 'Register a webhook; only this response contains its secret' })
  @ApiJsonResponse(201, 'Registered.', newWebhookView)
  @ApiProblems(400, 401, 409, 413, 415, 503)
  async registerWebhook(
    @Body({ schema: createWebhookSchema }) body: unknown,
    @Headers('authorization') authorization: string | undefined,
  ): Promise<NewWebhookView> {
    const { stores, webhookRules } = this.deps;
    const owner = requireOwner(this.deps, authorization);
    const { url, events } = parseBody(createWebhookSchema, body);
    checkWebhookUrl(url, 'url', webhookRules);
    const endpoint: WebhookEndpoint = {
      id: `wh_${randomBytes(16).toString('hex')}`,
      url,
      events,
      secret: newWebhookSecret(),
      createdAt: new Date().toISOString(),
    };
    await updateWebhooks(stores.webhooks, owner, (webhooks) => {
      const { endpoints } = webhooks;
      if (endpoints.length >= webhookRules.perOwner)
        throw new ProblemError(
          409,
          'TOO_MANY_WEBHOOKS',
          'Too many webhooks',
          `you have ${endpoints.length} webhooks, and WEBHOOKS_PER_OWNER allows ${webhookRules.perOwner}; delete one first`,
          { extensions: { retryable: false } },
        );
      return { ...webhooks, endpoints: [...endpoints, endpoint] };
    });
    return { ...webhookViewOf(endpoint), secret: endpoint.secret };
  }

  @Get()
  @ApiOperation({ summary: 'List your webhooks' })
  @ApiJsonResponse(200, 'All your webhooks, oldest first.', webhookListView)
  @ApiProblems(401, 503)
  async listWebhooks(@Headers('authorization') authorization: string | undefined): Promise<WebhookListView> {
    return { webhooks: (await this.endpoints(authorization)).map(webhookViewOf) };
  }

  @Get('secret')
  @ApiOperation({ summary: 'Get the secret that signs deliveries to the webhookUrl of your generations' })
  @ApiJsonResponse(200, 'Your secret.', webhookSecretView)
  @ApiProblems(401, 404, 503)
  async readWebhookSecret(@Headers('authorization') authorization: string | undefined): Promise<WebhookSecretView> {
    const owner = requireOwner(this.deps, authorization);
    const secret = this.deploymentSecret();
    return this.secretOf(secret, owner, (await this.deps.stores.webhooks.get(owner))?.value.rotation);
  }

  @Post('secret/rotate')
  @HttpCode(200)
  @ApiOperation({
    summary:
      'Rotate that secret; the previous secret also signs during an overlap, and a repeated call during it changes nothing',
  })
  @ApiJsonResponse(
    200,
    'Your new secret, or the current one while the overlap of the last rotation lasts.',
    webhookSecretView,
  )
  @ApiProblems(401, 404, 503)
  async rotateWebhookSecret(@Headers('authorization') authorization: string | undefined): Promise<WebhookSecretView> {
    const owner = requireOwner(this.deps, authorization);
    const secret = this.deploymentSecret();
    const now = new Date();
    const { overlapMs } = this.deps.webhookRules.signing;
    const { rotation } = await updateWebhooks(this.deps.stores.webhooks, owner, (webhooks) =>
      isOverlap(webhooks.rotation, { overlapMs, nowMs: now.getTime() })
        ? webhooks
        : { ...webhooks, rotation: { version: (webhooks.rotation?.version ?? 1) + 1, rotatedAt: now.toISOString() } },
    );
    return this.secretOf(secret, owner, rotation);
  }

  @Get(':id')
  @ApiOperation({ summary: 'Get a webhook' })
  @ApiJsonResponse(200, 'The webhook, without its secret.', webhookView)
  @ApiProblems(401, 404, 503)
  async readWebhook(
    @Param('id') id: string,
    @Headers('authorization') authorization: string | undefined,
  ): Promise<WebhookView> {
    const found = (await this.endpoints(authorization)).find((endpoint) => endpoint.id === id);
    if (found === undefined) throw notFound(id);
    return webhookViewOf(found);
  }

  @Delete(':id')
  @HttpCode(204)
  @ApiOperation({ summary: 'Delete a webhook and drop its waiting deliveries' })
  @ApiResponse({ status: 204, description: 'Deleted.' })
  @ApiProblems(401, 404, 503)
  async removeWebhook(
    @Param('id') id: string,
    @Headers('authorization') authorization: string | undefined,
  ): Promise<void> {
    const owner = requireOwner(this.deps, authorization);
    if (!(await removeEndpoint(this.deps.stores.webhooks, owner, id))) throw notFound(id);
  }

  /** Throws a 404 when the deployment has no secret. */
  private deploymentSecret(): string {
    const { secret } = this.deps.webhookRules.signing;
    if (secret !== undefined) return secret;
    throw new ProblemError(
      404,
      'WEBHOOK_SECRET_NOT_SET',
      'Deliveries to a webhookUrl are not signed',
      'the operator has not set WEBHOOK_SECRET; register a webhook to get signed deliveries',
      { extensions: { retryable: false } },
    );
  }

  private secretOf(secret: string, owner: string, rotation: WebhookRegistrations['rotation']): WebhookSecretView {
    const { overlapMs } = this.deps.webhookRules.signing;
    const version = rotation?.version ?? 1;
    return {
      secret: ownerSecret(secret, owner, version),
      version,
      ...(rotation === undefined
        ? {}
        : { formerSignsUntil: new Date(Date.parse(rotation.rotatedAt) + overlapMs).toISOString() }),
    };
  }

  private async endpoints(authorization: string | undefined): Promise<readonly WebhookEndpoint[]> {
    const owner = requireOwner(this.deps, authorization);
    return (await this.deps.stores.webhooks.get(owner))?.value.endpoints ?? [];
  }
}
