import { Router } from 'express';
import { type InvoiceStore } from './invoice.store.js';
import { type PredictionRunner } from '../replicate/prediction.runner.js';
import { type ScenarioStore } from './scenario.store.js';
import { explain, scenarioSchema } from './scenario.rules.js';

/** Routes under `/sandbox`: the scenario and the invoice. */
export function controlRoutes({
  scenarios,
  invoice,
  runner,
}: {
  scenarios: ScenarioStore;
  invoice: InvoiceStore;
  runner: PredictionRunner;
}): Router {
  const router = Router();
  router.put('/scenario', (request, response) => {
    const scenario = scenarioSchema.safeParse(request.body);
    if (!scenario.success) {
      return void response
        .status(400)
        .json({ title: 'Invalid scenario', detail: explain(scenario.error), status: 400 });
    }
    scenarios.set(scenario.data);
    response.json(scenarios.scenario);
  });
  router.get('/scenario', (_request, response) => void response.json(scenarios.scenario));
  router.get('/invoice', (_request, response) => void response.json(invoice.present(runner.list())));
  router.delete('/invoice', (_request, response) => {
    invoice.clear(runner.list());
    response.status(204).end();
  });
  return router;
}
