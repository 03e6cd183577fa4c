import { Router } from 'express';
import { isPerGpuSecond, type ModelRecord } from '../models/model.record.js';
import { type ModelStore } from '../models/model.store.js';
import { withFields } from '../predictions/prediction.failure.js';
import { type CreatorContext } from '../predictions/prediction.creator.js';
import { cogServer } from './cog.server.js';

export interface CogContext extends CreatorContext {
  readonly models: ModelStore;
  /** URL of the folder of the clips. */
  readonly filesUrl: string;
}

/** The Cog servers: one under `/<owner>/<name>` for each model that is priced by the second of computing. */
export function cogRoutes({ models, ...context }: CogContext): Router {
  const router = Router();
  const servers = new Map<string, Router>();

  router.use('/:owner/:name', (request, response, next) => {
    const id = `${request.params.owner}/${request.params.name}`;
    const current = (): ModelRecord | undefined => {
      const model = models.find(id);
      const more = context.scenarios.scenario.inputFields;
      return model === undefined || more === undefined ? model : withFields(model, more);
    };
    const model = current();
    if (model === undefined || !isPerGpuSecond(model)) {
      next();
      return;
    }
    const server = servers.get(id) ?? cogServer({ ...context, model: () => current() ?? model });
    servers.set(id, server);
    server(request, response, next);
  });
  router.use((_request, response) => {
    response.status(404).end();
  });
  return router;
}
