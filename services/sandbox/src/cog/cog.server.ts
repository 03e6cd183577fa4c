import { randomUUID } from 'node:crypto';
import { type Request, type Response, Router } from 'express';
import { explain } from '../control/scenario.rules.js';
import { inputErrors } from '../models/input.check.js';
import { type ModelRecord } from '../models/model.record.js';
import { type CreatorContext } from '../predictions/prediction.creator.js';
import { bodySchema, type CogBody, knownInput, type Reply, replyOf, wantsStream } from './cog.request.js';
import { CogSlot } from './cog.slot.js';
import { discoveryOf, healthOf, inputProblem, openapiOf, present } from './cog.view.js';

export interface CogServerContext extends CreatorContext {
  /** URL of the folder of the clips. */
  readonly filesUrl: string;
  /** The current record of the model. */
  readonly model: () => ModelRecord;
}

/** The HTTP API of the Cog server of one model. It runs one prediction at a time. */
export function cogServer({ filesUrl, model, ...creator }: CogServerContext): Router {
  const { scenarios } = creator;
  const slot = new CogSlot(creator, filesUrl);
  const router = Router();

  /** Answers when the prediction has ended. Cancels it when the caller's connection breaks before. */
  async function hold(response: Response, runId: string, losesReply: boolean): Promise<void> {
    const onClose = (): void => {
      slot.cancel(runId);
    };
    response.once('close', onClose);
    const ended = await slot.ended(runId);
    response.off('close', onClose);
    if (losesReply || ended === undefined) response.destroy();
    else response.json(present(ended, filesUrl));
  }

  async function create(id: string, body: CogBody, reply: Reply, response: Response): Promise<void> {
    const input = knownInput(model(), body.input);
    const errors = inputErrors(model(), input);
    if (errors.length > 0) {
      response.status(422).json(inputProblem(errors));
      return;
    }
    // It has no rate limit.
    if (scenarios.admit(Date.now(), false).kind !== 'ok') {
      response.status(503).json({ error: 'Setup has not finished yet', status: 'failed' });
      return;
    }
    if (!slot.isFree) {
      response.status(409).json({ error: 'At capacity - all prediction slots busy', status: 'failed' });
      return;
    }
    const { runId, losesReply } = await slot.start(model(), id, { ...body, input });
    if (reply === 'held') await hold(response, runId, losesReply);
    else if (losesReply) response.destroy();
    else response.status(202).json({ id, status: 'starting' });
  }

  /** The body of a create; undefined when it was answered already. */
  function read(request: Request, response: Response): CogBody | undefined {
    const body = bodySchema.safeParse(request.body ?? {});
    if (body.success) return body.data;
    response
      .status(422)
      .type('text')
      .send(`Failed to deserialize the JSON body: ${explain(body.error)}`);
    return undefined;
  }
  /** Answers a call for a stream, which no model of the sandbox has. */
  function refusesStream(request: Request, response: Response): boolean {
    if (!wantsStream(request)) return false;
    const error = 'This model does not support streaming responses. Add @cog.streaming to predict() to enable SSE.';
    response.status(406).json({ error });
    return true;
  }

  router.post('/predictions', async (request, response) => {
    const body = read(request, response);
    if (body === undefined || refusesStream(request, response)) return;
    await create(body.id ?? `pred_${randomUUID()}`, body, replyOf(request), response);
  });
  router.put('/predictions/:id', async (request, response) => {
    const body = read(request, response);
    if (body === undefined) return;
    const { id } = request.params;
    if (body.id !== undefined && body.id !== id) {
      const msg = 'prediction ID must match the ID supplied in the URL';
      response.status(422).json({ detail: [{ loc: ['body', 'id'], msg, type: 'value_error' }] });
      return;
    }
    if (refusesStream(request, response)) return;
    const running = slot.find(id);
    if (running === undefined) await create(id, body, replyOf(request), response);
    // At once, even without `Prefer`, and without a look at the input.
    else response.status(202).json(present(running, filesUrl));
  });
  router.post('/predictions/:id/cancel', (request, response) => {
    const running = slot.find(request.params.id);
    if (running !== undefined) slot.cancel(running.id);
    response.status(running === undefined ? 404 : 200).json({});
  });
  router.get('/health-check', (_request, response) => {
    response.json(healthOf(slot.isFree));
  });
  router.get('/openapi.json', (_request, response) => {
    response.json(openapiOf(model()));
  });
  router.get('/', (_request, response) => {
    response.json(discoveryOf());
  });
  // A prediction cannot be read.
  router.all(['/predictions', '/predictions/:id'], (_request, response) => {
    response.status(405).end();
  });
  return router;
}
