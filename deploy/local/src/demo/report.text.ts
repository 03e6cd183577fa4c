import { hasLanguageModel, REPLACEABLE_PROVIDERS } from '@clipmesh/config';
import { z } from 'zod';

const reportSchema = z.object({
  makespanMs: z.number(),
  sequentialMs: z.number(),
  timeSavedMs: z.number(),
  speedup: z.number(),
  peakConcurrency: z.number(),
  workers: z.record(z.string(), z.number()),
  stages: z.array(z.object({ stage: z.string(), count: z.number(), workMs: z.number(), busyMs: z.number() })),
  bottleneck: z.object({ stage: z.string(), share: z.number(), advice: z.string() }).optional(),
});

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

/** One entry of the ledger, as far as the text needs it. */
export interface PaidEntry {
  readonly stage: string;
  readonly provider: string;
  readonly amountUsd: number;
}
type Environment = Readonly<Record<string, string | undefined>>;

/** What the sandbox replaces in this entry; undefined when its provider charged it. A provider without a token charges for itself. */
function replacedIn({ stage, provider }: PaidEntry, env: Environment): string | undefined {
  if (stage === 'llm') return hasLanguageModel(env) ? undefined : 'language model (no OPENAI_API_KEY)';
  const token = REPLACEABLE_PROVIDERS.find(({ name }) => name === provider)?.tokenVariable;
  return token === undefined || env[token] ? undefined : `clips of ${provider} (no ${token})`;
}

/** The cost of what ran, and which part of it is simulated. The sandbox charges nothing. */
export function costText(totalUsd: number, entries: readonly PaidEntry[], env: Environment): string {
  const replaced = entries.map((entry) => replacedIn(entry, env));
  const names = [...new Set(replaced.filter((name) => name !== undefined))];
  const amount = `$${totalUsd.toFixed(4)}`;
  if (names.length === 0) return amount;
  if (replaced.every((name) => name !== undefined))
    return `${amount} simulated: the sandbox replaces the providers, and nothing was charged`;
  const usd = entries.reduce((sum, { amountUsd }, at) => sum + (replaced[at] === undefined ? 0 : amountUsd), 0);
  return `${amount}, of which $${usd.toFixed(4)} are simulated: the sandbox replaces the ${names.join(' and ')} and charges nothing`;
}

/** A performance report as text: time and workers of each stage, and the time saved by running in parallel. */
export function reportText(report: unknown): string {
  const { stages, workers, bottleneck, ...whole } = reportSchema.parse(report);
  const rows = stages.map(({ stage, workMs, busyMs }) =>
    [
      stage.padEnd(10),
      seconds(workMs).padStart(10),
      seconds(busyMs).padStart(12),
      String(workers[stage] ?? 1).padStart(9),
    ].join(''),
  );
  return [
    `${'Stage'.padEnd(10)}${'work'.padStart(10)}${'elapsed'.padStart(12)}${'workers'.padStart(9)}`,
    ...rows,
    '',
    `Time       ${seconds(whole.makespanMs)}; in sequence: ${seconds(whole.sequentialMs)}`,
    `Speed-up   ${whole.speedup.toFixed(2)}x with up to ${whole.peakConcurrency} workers at once: ${seconds(whole.timeSavedMs)} saved`,
    ...(bottleneck === undefined
      ? []
      : [`Bottleneck ${bottleneck.stage} (${Math.round(bottleneck.share * 100)} %): ${bottleneck.advice}`]),
  ].join('\n');
}
