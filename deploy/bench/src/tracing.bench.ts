import { benchAnalysis } from './analysis.bench.js';
import { benchOverhead } from './overhead.bench.js';
import { benchPredictions } from './prediction.bench.js';

/** What the traces cost, how long their analysis takes, and how true its predictions are. */
export async function benchTracing(): Promise<boolean> {
  const analysis = await benchAnalysis();
  const predictions = await benchPredictions();
  const overhead = await benchOverhead(predictions.rows);
  return analysis && predictions.good && overhead;
}
