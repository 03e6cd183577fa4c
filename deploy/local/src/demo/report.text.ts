import { hasLanguageModel } from '@clipmesh/config';
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

const isFal = (model: string): boolean => model.startsWith('fal-ai/');

/** The cost, and which part of it is simulated. A provider without a token is the sandbox, which charges nothing. */
export function costText(totalUsd: number, env: Readonly<Record<string, string | undefined>>): string {
  const models = (env['VIDEO_MODELS'] ?? '').split(',').map((model) => model.trim());
  const used = [
    ...(models.every(isFal)
      ? []
      : [
          {
            isPaid: Boolean(env['REPLICATE_API_TOKEN'] || env['COG_ENDPOINTS']),
            text: 'clips (no REPLICATE_API_TOKEN)',
          },
        ]),
    ...(models.some(isFal) ? [{ isPaid: Boolean(env['FAL_KEY']), text: 'clips of fal (no FAL_KEY)' }] : []),
    { isPaid: hasLanguageModel(env), text: 'language model (no OPENAI_API_KEY)' },
  ];
  const simulated = used.filter(({ isPaid }) => !isPaid).map(({ text }) => text);
  const amount = `$${totalUsd.toFixed(4)}`;
  if (simulated.length === 0) return amount;
  if (simulated.length === used.length)
    return `${amount} simulated: the sandbox replaces the providers, and nothing was charged`;
  return `${amount}, partly simulated: the sandbox replaces the ${simulated.join(' and ')} and charges nothing`;
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
