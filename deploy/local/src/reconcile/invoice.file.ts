import { parse } from 'csv-parse/sync';
import { InvoiceError } from './invoice.error.js';
import { jsonLines } from './invoice.json.js';
import { type InvoiceLine } from './reconcile.js';

/** The accepted names of a CSV column, in lower case and without other signs than letters and digits. */
const COLUMNS = {
  id: ['predictionid', 'id', 'prediction', 'requestid'],
  model: ['model', 'modelname', 'endpoint', 'endpointid'],
  amount: ['amountusd', 'amount', 'costtotal', 'costusd', 'cost', 'usd'],
  date: ['date', 'day', 'createdat', 'completedat', 'time', 'timestamp'],
} as const;
type Column = keyof typeof COLUMNS;

const AMOUNT = /^(-?)\$?(\d{1,9}(?:\.\d{1,20})?(?:e-\d{1,2})?)$/i;
const DAY = /^\d{4}-\d{2}-\d{2}(?=$|[T ])/;

/** The lines of an invoice: CSV with a header, or JSON ({@link jsonLines}). Throws {@link InvoiceError}. */
export const invoiceLines = (text: string, provider: string): InvoiceLine[] =>
  /^\s*[[{]/.test(text) ? jsonLines(text, provider) : csvLines(text);

function csvLines(text: string): InvoiceLine[] {
  let rows: string[][];
  try {
    rows = parse(text, { bom: true, trim: true, skip_empty_lines: true, relax_column_count: true });
  } catch (cause) {
    throw new InvoiceError(`the invoice is not CSV: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
  const [head = [], ...lines] = rows;
  const names = head.map((name) => name.toLowerCase().replace(/[^a-z0-9]/g, ''));
  const at = (column: Column): number =>
    COLUMNS[column].map((name) => names.indexOf(name)).find((index) => index >= 0) ?? -1;
  for (const column of ['id', 'model', 'amount'] as const)
    if (at(column) < 0)
      throw new InvoiceError(
        `the header of the invoice has no column for the ${column}: ${COLUMNS[column].join(', ')}`,
      );
  return lines.map((line, index) => {
    const cell = (column: Column): string => line[at(column)] ?? '';
    const id = cell('id');
    if (id === '') throw new InvoiceError(`row ${index + 2} of the invoice has no id`);
    const micros = microsOf(cell('amount'));
    if (micros === undefined)
      throw new InvoiceError(`row ${index + 2} of the invoice has no amount in dollars, such as 0.75`);
    const day = DAY.exec(cell('date'))?.[0];
    if (cell('date') !== '' && day === undefined)
      throw new InvoiceError(`row ${index + 2} of the invoice has no date of the form YYYY-MM-DD`);
    return { id, model: cell('model'), amountMicros: micros, ...(day === undefined ? {} : { day }) };
  });
}

/** Dollars as micro-dollars, rounded. Undefined: no amount. */
function microsOf(text: string): number | undefined {
  const [, sign = '', digits] = AMOUNT.exec(text) ?? [];
  if (digits === undefined) return undefined;
  const micros = Math.round(Number(digits) * 1_000_000);
  return sign === '' || micros === 0 ? micros : -micros;
}
