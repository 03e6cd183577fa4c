import { type Charge, countCharacters } from '@clipmesh/contracts';
import { type Purchase } from '@clipmesh/persistence';
import { speechRequestSchema } from '@clipmesh/providers';

/** The charge for a speech whose provider cannot say whether it made it: its highest price. Undefined: it costs nothing. */
export function assumedSpeechCharge({
  key,
  provider = '',
  model,
  quoteMicros,
  request,
  scene,
}: Purchase): Charge | undefined {
  if (quoteMicros === 0) return undefined;
  const text = speechRequestSchema.safeParse(request).data?.text ?? '';
  return {
    key: `purchase:${key}`,
    kind: 'speech',
    stage: 'audio',
    provider,
    model,
    quantity: countCharacters(text),
    unit: 'character',
    ...(quoteMicros === undefined ? { amountMicros: 0, unpriced: true } : { amountMicros: quoteMicros }),
    ...(scene === undefined ? {} : { scene }),
    outcome: 'failed',
    assumed: true,
  };
}
