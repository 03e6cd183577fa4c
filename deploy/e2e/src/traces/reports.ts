import { type CreateGenerationInput } from '@clipmesh/contracts';
import { z } from 'zod';
import { type ApiClient, type Generation } from '../api.client.js';
import { Command } from '../stack/command.runner.js';

const ANALYZE_MS = 120_000;

const reportSchema = z.looseObject({
  traceId: z.string(),
  makespanMs: z.number(),
  workMs: z.number(),
  speedup: z.number(),
  timeSavedMs: z.number(),
  peakConcurrency: z.number(),
  concurrency: z.array(z.object({ level: z.number(), ms: z.number() })),
  stages: z.array(z.looseObject({ stage: z.string(), workMs: z.number() })),
  criticalPath: z.array(z.looseObject({ startUs: z.number(), endUs: z.number() })),
  lowerBoundMs: z.number(),
  gap: z.object({
    capacityMs: z.number(),
    dispatchMs: z.number(),
    dependencyMs: z.number(),
    externalMs: z.number(),
    retryMs: z.number(),
  }),
  bottleneck: z.object({ stage: z.string(), share: z.number(), advice: z.string() }),
  whatIf: z.array(z.object({ change: z.string(), predictedMakespanMs: z.number(), boundMs: z.number() })),
  calibrationErrorPct: z.number(),
});
export type Report = z.infer<typeof reportSchema>;

export interface Measured {
  readonly generation: Generation;
  readonly report: Report;
}

/** Makes one video and reads its report through the API. */
export async function measure(api: ApiClient, request: CreateGenerationInput, timeoutMs: number): Promise<Measured> {
  const generation = await api.succeeded(await api.create(request), timeoutMs);
  const answer = await api.call(`/v1/generations/${generation.id}/performance`);
  return { generation, report: reportSchema.parse(await answer.json()) };
}

/** The output of `analyze ARGS --json`. */
export async function analyzed(...args: readonly string[]): Promise<Report> {
  const { code, stdout, stderr } = await new Command('deploy/local/dist/analyze.js', [...args, '--json']).end(
    ANALYZE_MS,
  );
  if (code !== 0) throw new Error(`analyze ended with ${String(code)}: ${stderr}`);
  return reportSchema.parse(JSON.parse(stdout));
}

/** The makespan that a report predicts for a change. Throws when the report has no such change. */
export function predicted({ whatIf }: Report, change: string): number {
  const found = whatIf.find((one) => one.change === change);
  if (found !== undefined) return found.predictedMakespanMs;
  throw new Error(`no prediction for "${change}", only for: ${whatIf.map((one) => one.change).join(', ')}`);
}

/** The violated invariants of a report. Each figure is rounded to a microsecond. */
export function brokenInvariants(report: Report): string[] {
  const { makespanMs, workMs, concurrency, criticalPath, lowerBoundMs, gap, stages, speedup } = report;
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  const near = (a: number, b: number): boolean => Math.abs(a - b) <= 0.001 * (concurrency.length + 10);
  const holds: Readonly<Record<string, boolean>> = {
    'the levels add up to the makespan': near(sum(concurrency.map(({ ms }) => ms)), makespanMs),
    'level times time is the work': Math.abs(sum(concurrency.map(({ level, ms }) => level * ms)) - workMs) <= 0.1,
    'the stages add up to the work': near(sum(stages.map((stage) => stage.workMs)), workMs),
    'the speed-up is work over makespan': Math.abs(speedup - workMs / makespanMs) < 1e-6,
    'the bound is not above the makespan': lowerBoundMs <= makespanMs,
    'the gap is makespan less bound': near(sum(Object.values(gap)), makespanMs - lowerBoundMs),
    'the path fills the makespan': near(sum(criticalPath.map((part) => part.endUs - part.startUs)) / 1000, makespanMs),
  };
  return Object.entries(holds).flatMap(([what, held]) => (held ? [] : [what]));
}
