import { resolve } from 'node:path';
import { type Command } from 'commander';
import { z } from 'zod';
import { commandLine, readCommandLine, UsageError, valueOption } from '../../command.line.mjs';

export interface ReconcileArguments {
  readonly provider: string;
  /** File of the invoice. */
  readonly file: string;
  /** Days of the ledger, inclusive. Undefined: those of the invoice. */
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly dataDir: string;
  readonly json: boolean;
}
interface Values {
  readonly provider?: string;
  readonly file?: string;
  readonly from?: string;
  readonly to?: string;
  readonly data: string;
  readonly json: boolean;
}

function readDay(text: string, flag: string): string {
  if (!z.iso.date().safeParse(text).success) throw new UsageError(`${flag} takes a day, for example 2026-01-31.`);
  return text;
}

const reconcileCommand = (dataDir: string): Command =>
  commandLine(
    'npm run reconcile --',
    "Compares the ledger of the running stack with a provider's invoice, and lists what differs. Ends with exit code 1 when something does.",
  )
    .addOption(
      valueOption('--provider <NAME>', 'provider of the invoice, as in the ledger, such as replicate, fal or openai'),
    )
    .addOption(
      valueOption(
        '--file <F>',
        "the invoice: CSV with a header (prediction id, model, amount in USD, date if known), the JSON of fal's billing events, or that of the sandbox's /sandbox/invoice",
      ),
    )
    .addOption(valueOption('--from <DAY>', 'first day of the ledger, UTC (default: of the invoice)', readDay))
    .addOption(valueOption('--to <DAY>', 'last day of the ledger, UTC (default: of the invoice)', readDay))
    .addOption(valueOption('--data <DIR>', 'folder of the stack').default(dataDir, dataDir))
    .option('--json', 'prints JSON', false);

/** Arguments of `reconcile`. Throws a `UsageError` or `HelpRequested`. */
export function parseReconcile(
  args: readonly string[],
  defaults: { readonly dataDir: string; readonly cwd: string },
): ReconcileArguments {
  const { provider, file, from, to, data, json } = readCommandLine<Values>(reconcileCommand(defaults.dataDir), args);
  if (provider === undefined || file === undefined) throw new UsageError('Give --provider NAME and --file F.');
  if (from !== undefined && to !== undefined && from > to) throw new UsageError('--from is after --to.');
  return {
    provider,
    file: resolve(defaults.cwd, file),
    from,
    to,
    dataDir: resolve(defaults.cwd, data),
    json,
  };
}
