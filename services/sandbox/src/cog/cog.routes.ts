import { Router } from 'express';
import { isPerGpuSecond, type ModelRecord } from '../models/model.record.js';
import { withFields } from '../predictions/prediction.failure.js';
import { type ProviderContext, type SandboxProvider } from '../sandbox.provider.js';
import { cogServer } from './cog.server.js';

/** The Cog servers: one under `/<owner>/<name>` for each model that is priced by the second of computing. */
function cogRoutes({ models, ...context }: ProviderContext): Router {
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

export const cog: SandboxProvider = {
  path: '/cog',
  routes: cogRoutes,
  refuse: (response, status, detail) => {
    response.status(status).type('text').send(detail);
  },
};
