import { Router } from 'express';
import { type InvoiceBook } from './invoice.book.js';
import { type PredictionRunner } from './prediction.runner.js';
import { type ScenarioDesk } from './scenario.desk.js';
import { explain, scenarioSchema } from './scenario.rules.js';

/** `/sandbox`: what the sandbox is to do, and what it has charged. */
export function controlRoutes({
  desk,
  book,
  runner,
}: {
  desk: ScenarioDesk;
  book: InvoiceBook;
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
    desk.set(scenario.data);
    response.json(desk.scenario);
  });
  router.get('/scenario', (_request, response) => void response.json(desk.scenario));
  router.get('/invoice', (_request, response) => void response.json(book.present(runner.list())));
  router.delete('/invoice', (_request, response) => {
    book.clear(runner.list());
    response.status(204).end();
  });
  return router;
}
