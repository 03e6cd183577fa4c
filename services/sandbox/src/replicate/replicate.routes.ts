import { randomBytes } from 'node:crypto';
import { type Request, type Response, Router } from 'express';
import { explain } from '../control/scenario.rules.js';
import { inputProblem } from '../models/input.check.js';
import { type ModelRecord, versionOf } from '../models/model.record.js';
import { type ModelStore } from '../models/model.store.js';
import { attemptKey } from '../predictions/attempt.key.js';
import { type CreatorContext, startPrediction } from '../predictions/prediction.creator.js';
import { isFinal, type Prediction } from '../predictions/prediction.lifecycle.js';
import { createSchema, parseCancelAfterMs, parsePreferMs } from './prediction.request.js';
import { openapiSchema, present } from './replicate.view.js';
import { reportTo } from './replicate.webhooks.js';

const PAGE = 100;

export function replicateProblem(
  response: Response,
  status: number,
  title: string,
  detail: string,
  more: object = {},
): void {
  response.status(status).json({ title, detail, status, ...more });
}

function notFound(response: Response, what: string): void {
  replicateProblem(response, 404, 'Not found', `The requested ${what} could not be found.`);
}

export interface ReplicateContext extends CreatorContext {
  readonly models: ModelStore;
  readonly url: string;
  readonly webhookSecret: string;
}

/** Replicate's HTTP API under `/v1`. */
export function replicateRoutes({ models, runner, scenarios, uploads, url, webhookSecret }: ReplicateContext): Router {
  const router = Router();
  const modelOf = (request: Request<{ owner: string; name: string }>): ModelRecord | undefined =>
    models.find(`${request.params.owner}/${request.params.name}`);

  const replicates = (): Prediction[] => runner.list().filter(({ provider }) => provider === 'replicate');
  const found = (id: string): Prediction | undefined => {
    const prediction = runner.find(id);
    return prediction?.provider === 'replicate' ? prediction : undefined;
  };

  const shown = (prediction: Prediction): Record<string, unknown> =>
    present(prediction, url, scenarios.scenario.expiredOutputs);

  async function create(request: Request, response: Response, model: ModelRecord): Promise<void> {
    const body = createSchema.safeParse(request.body);
    if (!body.success) {
      replicateProblem(response, 422, 'Input validation failed', explain(body.error));
      return;
    }
    const { input, webhook } = body.data;
    const invalid = inputProblem(model, input);
    if (invalid !== undefined) {
      replicateProblem(response, 422, 'Input validation failed', invalid);
      return;
    }
    const cancelAfter = request.get('cancel-after');
    const cancelAfterMs = cancelAfter === undefined ? undefined : parseCancelAfterMs(cancelAfter);
    if (cancelAfter !== undefined && cancelAfterMs === undefined) {
      replicateProblem(
        response,
        422,
        'Invalid header',
        `Cancel-After: ${cancelAfter} is not a duration like 90s, 5m or 1h30m`,
      );
      return;
    }
    const admission = scenarios.admit(Date.now(), true);
    if (admission.kind === 'unavailable') {
      replicateProblem(response, 503, 'Service unavailable', 'Please try again later.');
      return;
    }
    if (admission.kind === 'limited') {
      const { retryAfterSeconds } = admission;
      response.set('Retry-After', String(Math.ceil(retryAfterSeconds)));
      const detail = `Request was throttled. Your rate limit resets in ~${retryAfterSeconds}s.`;
      replicateProblem(response, 429, 'Too many requests', detail, { retry_after: retryAfterSeconds });
      return;
    }

    const { prediction, losesReply } = await startPrediction(
      { runner, scenarios, uploads },
      {
        id: randomBytes(13).toString('hex'),
        provider: 'replicate',
        model,
        input,
        key: attemptKey(body.data),
        ...(webhook === undefined ? {} : { webhook }),
        webhookEvents: body.data.webhook_events_filter,
        ...(cancelAfterMs === undefined ? {} : { cancelAfterMs }),
        report: (reported, event, signal) => reportTo(reported, event, { url, secret: webhookSecret, signal }),
      },
    );
    if (losesReply) {
      request.socket.destroy();
      return;
    }
    const waitMs = parsePreferMs(request.get('prefer'));
    if (waitMs > 0) await runner.waitFor(prediction.id, waitMs);
    response.status(201).json(shown(runner.find(prediction.id) ?? prediction));
  }

  router.post('/models/:owner/:name/predictions', async (request, response) => {
    const model = modelOf(request);
    if (model === undefined) notFound(response, 'model');
    else await create(request, response, model);
  });
  router.post('/predictions', async (request, response) => {
    const version: unknown = (request.body as { version?: unknown } | undefined)?.version;
    if (typeof version !== 'string') {
      replicateProblem(response, 422, 'Input validation failed', '- version is required');
      return;
    }
    const model = models.findVersion(version);
    const detail = "The specified version does not exist (or perhaps you don't have permission to use it?)";
    if (model === undefined) replicateProblem(response, 422, 'Invalid version or not permitted', detail);
    else await create(request, response, model);
  });
  router.get('/predictions', (request, response) => {
    const all = replicates().reverse();
    const { cursor } = request.query;
    const at = cursor === undefined ? 0 : all.findIndex(({ id }) => id === cursor) + 1;
    if (cursor !== undefined && at === 0) {
      replicateProblem(response, 400, 'Bad request', 'Invalid cursor');
      return;
    }
    const page = all.slice(at, at + PAGE);
    const last = page.at(-1);
    const next = last === undefined || at + PAGE >= all.length ? null : `${url}/v1/predictions?cursor=${last.id}`;
    response.json({ previous: null, next, results: page.map(shown) });
  });
  router.get('/predictions/:id', (request, response) => {
    const prediction = found(request.params.id);
    if (prediction === undefined) {
      notFound(response, 'prediction');
      return;
    }
    response.json(shown(prediction));
  });
  router.get('/predictions/:id/stream', (request, response) => {
    const prediction = found(request.params.id);
    if (prediction === undefined) {
      notFound(response, 'prediction');
      return;
    }
    const done = isFinal(prediction.status) ? 'over' : 'running';
    replicateProblem(response, 406, 'Not acceptable', `This model does not stream; the prediction is ${done}.`);
  });
  router.post('/predictions/:id/cancel', (request, response) => {
    const prediction = found(request.params.id) && runner.cancel(request.params.id);
    if (prediction === undefined) {
      notFound(response, 'prediction');
      return;
    }
    response.json(shown(prediction));
  });
  router.get('/models/:owner/:name', (request, response) => {
    const model = modelOf(request);
    if (model === undefined) {
      notFound(response, 'model');
      return;
    }
    const { owner, name } = request.params;
    const latest_version = {
      id: versionOf(model),
      created_at: '2025-01-01T00:00:00.000Z',
      cog_version: '0.16.0',
      openapi_schema: openapiSchema(model, scenarios.scenario.inputFields),
    };
    response.json({
      url: `${url}/${model.id}`,
      owner,
      name,
      description: 'A sandbox model.',
      visibility: 'public',
      run_count: replicates().length,
      latest_version,
    });
  });
  router.get('/webhooks/default/secret', (_request, response) => {
    response.json({ key: webhookSecret });
  });
  return router;
}
