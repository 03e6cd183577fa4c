import { type ModelTerms, type Sku } from '@clipmesh/billing';
import { tableText } from '../terminal.js';
import { type CheckedModel } from './models.check.js';

const PER = { second: '/s', clip: '/clip', gpu_second: '/GPU-s' } as const;

/** Micro-dollars as dollars, without trailing zeros. */
const dollars = (micros: number): string => `$${String(micros / 1_000_000)}`;

const lengthsText = ({ durations }: ModelTerms): string =>
  `${'min' in durations ? `${durations.min}-${durations.max}` : durations.join(', ')} s`;

/** The price of one SKU, with the clips that it is for. */
export function priceText({ when, per, micros }: Sku): string {
  const clips = [
    when.resolution,
    when.seconds === undefined ? undefined : `${when.seconds} s`,
    when.audio === undefined ? undefined : when.audio ? 'sound' : 'silent',
  ].filter((word) => word !== undefined);
  return [...clips, `${dollars(micros)}${PER[per]}`].join(' ');
}

/** The models as a table. */
export const modelsText = (models: readonly ModelTerms[]): string =>
  tableText(
    ['MODEL', 'PROVIDER', 'LENGTHS', 'SOUND', 'CHECKED', 'PRICES'],
    models.map((terms) => [
      terms.id,
      terms.provider,
      lengthsText(terms),
      terms.audio,
      terms.asOf,
      terms.skus.map(priceText).join(', '),
    ]),
  );

function lineOf(checked: CheckedModel): string[] {
  switch (checked.kind) {
    case 'same':
      return [];
    case 'drift':
      return checked.drift.map((sentence) => `${checked.id}: ${sentence}`);
    case 'unread':
      return [`${checked.id}: could not be read: ${checked.reason}`];
    case 'unchecked':
      return [`${checked.id}: not checked: ${checked.reason}`];
  }
}

/** The result of a check: what differs, what could not be checked, and the counts. */
export function checkText(checked: readonly CheckedModel[]): string {
  const count = (kind: CheckedModel['kind']): number => checked.filter((one) => one.kind === kind).length;
  const counts = [
    `${count('same')} as in the table`,
    `${count('drift')} with drift`,
    ...(count('unread') > 0 ? [`${count('unread')} unread`] : []),
    ...(count('unchecked') > 0 ? [`${count('unchecked')} not checked`] : []),
  ];
  return [...checked.flatMap(lineOf), `${checked.length} models: ${counts.join(', ')}`].join('\n');
}
