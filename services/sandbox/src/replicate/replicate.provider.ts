import { Router } from 'express';
import { uploadRoutes } from '../files/upload.routes.js';
import { type SandboxProvider } from '../sandbox.provider.js';
import { replicateProblem, replicateRoutes } from './replicate.routes.js';
import { newWebhookSecret } from './replicate.webhooks.js';

/** Replicate's HTTP API. OpenAI's has the same path. */
export const replicate: SandboxProvider = {
  path: '/v1',
  routes: ({ origin, ...context }) => {
    const routes = replicateRoutes({ ...context, url: origin, webhookSecret: newWebhookSecret() });
    return Router().use('/files', uploadRoutes(context.uploads)).use(routes);
  },
  refuse: (response, status, detail) => {
    replicateProblem(response, status, status < 500 ? 'Bad request' : 'Internal server error', detail);
  },
};
