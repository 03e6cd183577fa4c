import { Router } from 'express';
import { type ClipCharge, type InvoiceStore } from './invoice.store.js';
import { type ScenarioStore } from './scenario.store.js';
import { explain, scenarioSchema } from './scenario.rules.js';

/** Routes under `/sandbox`: the scenario and the invoice. */
export function controlRoutes({
  scenarios,
  invoice,
  clips,
}: {
  scenarios: ScenarioStore;
  invoice: InvoiceStore;
  /** The charges of all predictions, oldest first. */
  clips: () => readonly ClipCharge[];
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
  router.get('/invoice', (_request, response) => void response.json(invoice.present(clips())));
  router.delete('/invoice', (_request, response) => {
    invoice.clear(clips());
    response.status(204).end();
  });
  return router;
}
