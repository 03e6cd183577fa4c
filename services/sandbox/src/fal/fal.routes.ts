import { randomUUID } from 'node:crypto';
import { type NextFunction, type Request, type Response, Router } from 'express';
import { z } from 'zod';
import { inputErrors } from '../models/input.check.js';
import { attemptKey } from '../predictions/attempt.key.js';
import { startPrediction } from '../predictions/prediction.creator.js';
import { isFinal, type Prediction } from '../predictions/prediction.lifecycle.js';
import { type ProviderContext, type SandboxProvider } from '../sandbox.provider.js';
import { falOpenApi } from './fal.openapi.js';
import { type Answer, appOf, resultOf, statusOf, urlsOf } from './fal.view.js';
import { newWebhookKeys, reportTo } from './fal.webhooks.js';

const PATH = '/fal';

const inputSchema = z.record(z.string(), z.unknown());
const webhookSchema = z.url({ protocol: /^https?$/ }).optional();

/** An error of the platform, before a model runs. */
function falProblem(response: Response, status: number, detail: string, type: string): void {
  response.status(status).set('x-fal-error-type', type).json({ detail, error_type: type });
}

const send = (response: Response, { status, headers, body }: Answer): void => {
  response.status(status).set(headers).json(body);
};

function requireKey(request: Request, response: Response, next: NextFunction): void {
  if (/^Key\s+\S/i.test(request.get('authorization') ?? '')) next();
  else
    falProblem(
      response,
      401,
      'Cannot access application. Authentication is required to access this application.',
      'unauthorized',
    );
}

/** fal's queue API. */
function falRoutes({ models, origin, filesUrl, ...creator }: ProviderContext): Router {
  const { runner, scenarios } = creator;
  const url = `${origin}${PATH}`;
  const router = Router();
  const keys = newWebhookKeys();

  router.get('/.well-known/jwks.json', (_request, response) => {
    response.json(keys.jwks);
  });
  // Of fal's site, which needs no key. It answers null for an endpoint that it does not have.
  router.get('/api/openapi/queue/openapi.json', (request, response) => {
    const { endpoint_id: endpoint } = request.query;
    const model = typeof endpoint === 'string' && endpoint.startsWith('fal-ai/') ? models.find(endpoint) : undefined;
    response.json(model === undefined ? null : falOpenApi(model));
  });
  router.use(requireKey);

  const requests = (): Prediction[] => runner.list().filter(({ provider }) => provider === 'fal');
  const found = (request: Request<{ owner: string; alias: string; id: string }>): Prediction | undefined => {
    const { owner, alias, id } = request.params;
    const prediction = runner.find(id);
    return prediction?.provider === 'fal' && appOf(prediction.model.id) === `${owner}/${alias}`
      ? prediction
      : undefined;
  };
  const missing = (response: Response): void => {
    falProblem(response, 404, 'Request not found', 'not_found');
  };
  /** How many requests wait before this one. */
  const ahead = ({ id }: Prediction): number => {
    const waiting = requests().filter(({ status }) => status === 'starting');
    return Math.max(
      0,
      waiting.findIndex((other) => other.id === id),
    );
  };

  router.get('/:owner/:alias/requests/:id/status', (request, response) => {
    const prediction = found(request);
    if (prediction === undefined) missing(response);
    else send(response, statusOf(prediction, { url, ahead: ahead(prediction) }));
  });
  router.get('/:owner/:alias/requests/:id', (request, response) => {
    const prediction = found(request);
    if (prediction === undefined) missing(response);
    else send(response, resultOf(prediction, filesUrl));
  });
  router.put('/:owner/:alias/requests/:id/cancel', (request, response) => {
    const prediction = found(request);
    if (prediction === undefined) {
      response.status(404).json({ status: 'NOT_FOUND' });
      return;
    }
    if (isFinal(prediction.status)) {
      response.status(400).json({ status: 'ALREADY_COMPLETED' });
      return;
    }
    runner.cancel(prediction.id);
    if (prediction.status === 'starting') response.status(200).json({ status: 'OK' });
    else response.status(202).json({ status: 'CANCELLATION_REQUESTED' });
  });
  router.post('/*endpoint', async (request: Request<{ endpoint: string[] }>, response) => {
    const model = models.find(request.params.endpoint.join('/'));
    const input = inputSchema.safeParse(request.body);
    const webhook = webhookSchema.safeParse(request.query['fal_webhook']);
    if (model === undefined) {
      falProblem(response, 404, `Application '${request.params.endpoint.join('/')}' not found`, 'not_found');
      return;
    }
    if (!input.success || !webhook.success) {
      const what = input.success ? 'fal_webhook is not a URL' : 'The body is not a JSON object';
      falProblem(response, 400, what, 'bad_request');
      return;
    }
    const admission = scenarios.admit(Date.now(), true);
    if (admission.kind === 'unavailable') {
      falProblem(response, 503, 'No runner is available.', 'runner_scheduling_failure');
      return;
    }
    if (admission.kind === 'limited') {
      response.set('Retry-After', String(Math.ceil(admission.retryAfterSeconds)));
      falProblem(response, 429, 'Too many concurrent requests.', 'concurrent_requests_limit');
      return;
    }
    // The queue takes any input. The model checks it when it runs.
    const errors = inputErrors(model, input.data);
    const { prediction, losesReply } = await startPrediction(creator, {
      id: randomUUID(),
      provider: 'fal',
      model,
      input: input.data,
      key: attemptKey({ input: input.data, ...(webhook.data === undefined ? {} : { webhook: webhook.data }) }),
      ...(webhook.data === undefined ? {} : { webhook: webhook.data }),
      webhookEvents: ['completed'],
      ...(errors.length === 0 ? {} : { failure: { kind: 'bad-input', errors } }),
      report: (ended, event, signal) =>
        event === 'completed' ? reportTo(ended, { filesUrl, keys, signal }) : Promise.resolve(),
    });
    if (losesReply) {
      request.socket.destroy();
      return;
    }
    response
      .set('x-fal-request-id', prediction.id)
      .json({ ...urlsOf(prediction, url), queue_position: ahead(prediction) });
  });
  router.use((request, response) => {
    falProblem(response, 404, `There is no ${request.method} ${request.path}`, 'not_found');
  });
  return router;
}

export const fal: SandboxProvider = {
  path: PATH,
  routes: falRoutes,
  refuse: (response, status, detail) => {
    falProblem(response, status, detail, status < 500 ? 'bad_request' : 'internal_error');
  },
};
