import { randomBytes } from 'node:crypto';
import { type CreateWebhook, createWebhookSchema, cutText } from '@clipmesh/contracts';
import { type Stores, type WebhookRegistrations, type WebhookEndpoint } from '@clipmesh/persistence';
import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Post } from '@nestjs/common';
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
import { Owner } from '../http/auth/auth.decorator.js';
import { ApiJsonResponse, ApiProblems } from '../http/openapi.module.js';
import { ProblemError } from '../http/problems/problem.js';
import { checkWebhookUrl } from '../http/webhook.url.js';
import { STORES } from '../runtime/runtime.tokens.js';
import { updateWebhooks, removeEndpoint } from './webhook.store.js';
import { isOverlap, newWebhookSecret, ownerSecret, type SigningRules } from './webhook.signature.js';

/** Token of {@link WebhookRules}. */
export const WEBHOOK_RULES = Symbol('WEBHOOK_RULES');
export interface WebhookRules {
  /** Also allow plain http, and addresses of this machine and of private networks. */
  readonly allowPrivate: boolean;
  /** Maximum number of webhooks per owner. */
  readonly perOwner: number;
  readonly signing: SigningRules;
}

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
  constructor(
    @Inject(STORES) private readonly stores: Pick<Stores, 'webhooks'>,
    @Inject(WEBHOOK_RULES) private readonly rules: WebhookRules,
  ) {}

  @Post()
  @ApiOperation({ summary: 'Register a webhook; only this response contains its secret' })
  @ApiJsonResponse(201, 'Registered.', newWebhookView)
  @ApiProblems(400, 401, 409, 413, 415, 503)
  async registerWebhook(
    @Body({ schema: createWebhookSchema }) { url, events }: CreateWebhook,
    @Owner() owner: string,
  ): Promise<NewWebhookView> {
    const { stores, rules } = this;
    checkWebhookUrl(url, 'url', rules);
    const endpoint: WebhookEndpoint = {
      id: `wh_${randomBytes(16).toString('hex')}`,
      url,
      events,
      secret: newWebhookSecret(),
      createdAt: new Date().toISOString(),
    };
    await updateWebhooks(stores.webhooks, owner, (webhooks) => {
      const { endpoints } = webhooks;
      if (endpoints.length >= rules.perOwner)
        throw new ProblemError(
          409,
          'TOO_MANY_WEBHOOKS',
          'Too many webhooks',
          `you have ${endpoints.length} webhooks, and WEBHOOKS_PER_OWNER allows ${rules.perOwner}; delete one first`,
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
  async listWebhooks(@Owner() owner: string): Promise<WebhookListView> {
    return { webhooks: (await this.endpoints(owner)).map(webhookViewOf) };
  }

  @Get('secret')
  @ApiOperation({ summary: 'Get the secret that signs deliveries to the webhookUrl of your generations' })
  @ApiJsonResponse(200, 'Your secret.', webhookSecretView)
  @ApiProblems(401, 404, 503)
  async readWebhookSecret(@Owner() owner: string): Promise<WebhookSecretView> {
    const secret = this.deploymentSecret();
    return this.secretOf(secret, owner, (await this.stores.webhooks.get(owner))?.value.rotation);
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
  async rotateWebhookSecret(@Owner() owner: string): Promise<WebhookSecretView> {
    const secret = this.deploymentSecret();
    const now = new Date();
    const { overlapMs } = this.rules.signing;
    const { rotation } = await updateWebhooks(this.stores.webhooks, owner, (webhooks) =>
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
  async readWebhook(@Param('id') id: string, @Owner() owner: string): Promise<WebhookView> {
    const found = (await this.endpoints(owner)).find((endpoint) => endpoint.id === id);
    if (found === undefined) throw notFound(id);
    return webhookViewOf(found);
  }

  @Delete(':id')
  @HttpCode(204)
  @ApiOperation({ summary: 'Delete a webhook and drop its waiting deliveries' })
  @ApiResponse({ status: 204, description: 'Deleted.' })
  @ApiProblems(401, 404, 503)
  async removeWebhook(@Param('id') id: string, @Owner() owner: string): Promise<void> {
    if (!(await removeEndpoint(this.stores.webhooks, owner, id))) throw notFound(id);
  }

  /** Throws a 404 when the deployment has no secret. */
  private deploymentSecret(): string {
    const { secret } = this.rules.signing;
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
    const { overlapMs } = this.rules.signing;
    const version = rotation?.version ?? 1;
    return {
      secret: ownerSecret(secret, owner, version),
      version,
      ...(rotation === undefined
        ? {}
        : { formerSignsUntil: new Date(Date.parse(rotation.rotatedAt) + overlapMs).toISOString() }),
    };
  }

  private async endpoints(owner: string): Promise<readonly WebhookEndpoint[]> {
    return (await this.stores.webhooks.get(owner))?.value.endpoints ?? [];
  }
}
