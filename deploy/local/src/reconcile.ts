import { readFile } from 'node:fs/promises';
import { type Config, loadConfig } from '@clipmesh/config';
import { messageOf } from '@clipmesh/contracts';
import { connectBroker } from '@clipmesh/messaging';
import { type LedgerEntry, openStores } from '@clipmesh/persistence';
import { parseReconcile } from './arguments/reconcile.arguments.js';
import { runProgram } from './program.js';
import { invoiceLines } from './reconcile/invoice.file.js';
import { agrees, type InvoiceLine, type Period, reconcile } from './reconcile/reconcile.js';
import { reconcileText } from './reconcile/reconcile.text.js';
import { addressesIn, withStack } from './stack/running.stack.js';
import { printable, writeOut } from './terminal.js';

const GRACE_MS = 3000;

const readInvoice = async (file: string): Promise<string> =>
  readFile(file, 'utf8').catch((cause: unknown) => {
    throw new Error(`The invoice could not be read: ${messageOf(cause)}`, { cause });
  });

/** The given days; the others from the invoice when each of its lines has one. */
function periodOf(given: Period, lines: readonly InvoiceLine[]): Period {
  const days = lines.flatMap(({ day }) => day ?? []).sort();
  const dated = days.length === lines.length;
  return { from: given.from ?? (dated ? days[0] : undefined), to: given.to ?? (dated ? days.at(-1) : undefined) };
}

const readLedger = (config: Config, dataDir: string, provider: string): Promise<LedgerEntry[]> =>
  withStack(dataDir, addressesIn(config), async ({ nats }) => {
    const connection = await connectBroker({ ...nats, name: 'reconcile', graceMs: GRACE_MS });
    try {
      const stores = await openStores({ connection, config });
      try {
        return await stores.ledger.ofProvider(provider);
      } finally {
        await stores.close();
      }
    } finally {
      await connection.close();
    }
  });

await runProgram(async () => {
  const config = loadConfig();
  const args = parseReconcile(process.argv.slice(2), { dataDir: config.dataDir, cwd: process.cwd() });
  const lines = invoiceLines(await readInvoice(args.file), args.provider);
  const compared = reconcile(
    await readLedger(config, args.dataDir, args.provider),
    lines,
    periodOf({ from: args.from, to: args.to }, lines),
  );
  await writeOut(args.json ? JSON.stringify(compared, null, 2) : printable(reconcileText(compared)));
  if (!agrees(compared)) throw new Error(`The ledger and the invoice of ${args.provider} differ.`);
});
