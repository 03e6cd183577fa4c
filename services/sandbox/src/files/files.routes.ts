import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { Router } from 'express';
import { type PredictionRunner } from '../predictions/prediction.runner.js';
import { type ScenarioStore } from '../control/scenario.store.js';
import { throttled } from './throttle.stream.js';

/** The page that a proxy returns instead of the file. */
const PAGE = '<!DOCTYPE html>\n<html><head><title>Just a moment...</title></head><body></body></html>\n';

/** The route `/files/<prediction id>.mp4`, with single ranges. */
export function filesRoutes({
  runner,
  scenarios,
  closing,
}: {
  runner: PredictionRunner;
  scenarios: ScenarioStore;
  closing: AbortSignal;
}): Router {
  const router = Router();
  router.get('/:name', async (request, response) => {
    const file = runner.fileOf(request.params.name.replace(/\.mp4$/, ''));
    const size =
      file === undefined
        ? undefined
        : await stat(file).then(
            (found) => found.size,
            () => undefined,
          );
    if (file === undefined || size === undefined || scenarios.scenario.expiredOutputs === true)
      return void response.status(404).json({ title: 'Not found', detail: 'No such file.', status: 404 });
    if (scenarios.isBadDownload()) return void response.type('html').send(PAGE);
    response.set({ 'Accept-Ranges': 'bytes', 'Content-Type': 'video/mp4' });
    const ranges = request.range(size);
    if (ranges === -1) return void response.status(416).set('Content-Range', `bytes */${size}`).end();
    const range = Array.isArray(ranges) && ranges.type === 'bytes' && ranges.length === 1 ? ranges[0] : undefined;
    const { start, end } = range ?? { start: 0, end: size - 1 };
    if (range !== undefined) response.status(206).set('Content-Range', `bytes ${start}-${end}/${size}`);
    response.set('Content-Length', String(end - start + 1));
    if (request.method === 'HEAD' || size === 0) return void response.end();
    const gone = new AbortController();
    response.once('close', () => {
      gone.abort();
    });
    const signal = AbortSignal.any([gone.signal, closing]);
    const source = createReadStream(file, { start, end });
    const rate = scenarios.scenario.slowDownloads;
    // The client disconnected or the server is closing, so no response is possible.
    await (rate === undefined ? pipeline(source, response) : pipeline(throttled(source, rate, signal), response)).catch(
      () => response.destroy(),
    );
  });
  return router;
}
