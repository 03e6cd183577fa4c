import { benchAnalysis } from './analysis.bench.js';
import { benchOverhead } from './overhead.bench.js';
import { benchPredictions } from './prediction.bench.js';

/** Measures the cost of tracing, the time of the analysis, and the accuracy of its predictions. */
export async function benchTracing(): Promise<boolean> {
  const analysis = await benchAnalysis();
  const predictions = await benchPredictions();
  const overhead = await benchOverhead(predictions.rows);
  return analysis && predictions.good && overhead;
}
