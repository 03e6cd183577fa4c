import { type Sku } from '@clipmesh/billing';
import { type ModelEntries, type ModelEntry } from './model.entry.js';

const PER = { second: 'a second', clip: 'a clip', gpu_second: 'a second of computing' } as const;

/** What a price is for, and the price in dollars. */
function priceOf({ when, per, micros }: Sku): string {
  const clips = [
    when.resolution,
    when.seconds === undefined ? undefined : `${when.seconds} s`,
    when.audio === undefined ? undefined : when.audio ? 'with sound' : 'silent',
  ].filter((word) => word !== undefined);
  return [...clips, `$${String(micros / 1_000_000)} ${PER[per]}`].join(' ');
}

const lengthsOf = ({ durations }: ModelEntry): string =>
  'min' in durations ? `${durations.min}-${durations.max}` : durations.join(', ');

function imageOf({ firstFrame }: ModelEntry): string {
  if (typeof firstFrame === 'boolean') return firstFrame ? 'yes' : 'no';
  const limits = [...(firstFrame.aspectRatios ?? []), ...(firstFrame.durations ?? []).map((length) => `${length} s`)];
  return `with ${limits.join(', ')}`;
}

/** The tables of docs/providers.md: every model, and the source of its prices. */
export function modelsTable(models: ModelEntries): string {
  const rows = [...models.values()].map((entry) => {
    const { id, provider, audio, aspectRatios, skus, asOf } = entry;
    const ratios = aspectRatios.length === 0 ? 'fitted' : aspectRatios.join(', ');
    const cells = [
      `\`${id}\``,
      provider,
      lengthsOf(entry),
      ratios,
      audio,
      imageOf(entry),
      skus.map(priceOf).join('<br>'),
      asOf,
    ];
    return `| ${cells.join(' | ')} |`;
  });
  return [
    '| model | provider | lengths, s | ratios | sound | image | price | checked |',
    '|---|---|---|---|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}
