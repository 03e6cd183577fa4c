import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '..', '..', '..', '..');

/** Figures of a benchmark, and their table in docs/benchmarks.md. */
export interface Result {
  readonly name: string;
  /** Rows of the table; the keys are its columns. */
  readonly rows: readonly Readonly<Record<string, string | number>>[];
  readonly figures: Readonly<Record<string, unknown>>;
}

/** Writes `results/NAME.json` with the machine of the run, and the table into docs/benchmarks.md. */
export async function keep({ name, rows, figures }: Result): Promise<void> {
  const folder = join(ROOT, 'deploy', 'bench', 'results');
  await mkdir(folder, { recursive: true });
  const machine = { cores: availableParallelism(), cpu: cpus()[0]?.model ?? 'unknown', node: process.version };
  const at = new Date().toISOString();
  await writeFile(
    join(folder, `${name}.json`),
    `${JSON.stringify({ name, at, machine, ...figures, rows }, null, 2)}\n`,
  );
  const page = join(ROOT, 'docs', 'benchmarks.md');
  await writeFile(page, withTable(await readFile(page, 'utf8'), name, rows));
}

/** The page with a new block `<!-- NAME --> … <!-- /NAME -->`. Throws when the page has no such block. */
export function withTable(page: string, name: string, rows: Result['rows']): string {
  const start = `<!-- ${name} -->`;
  const end = `<!-- /${name} -->`;
  const from = page.indexOf(start);
  const to = page.indexOf(end);
  if (from < 0 || to < from) throw new Error(`docs/benchmarks.md has no place for ${name}: add ${start} and ${end}`);
  return `${page.slice(0, from + start.length)}\n${tableOf(rows)}\n${page.slice(to)}`;
}

function tableOf(rows: Result['rows']): string {
  const columns = Object.keys(rows[0] ?? {});
  const line = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`;
  return [
    line(columns),
    line(columns.map(() => '---')),
    ...rows.map((row) => line(columns.map((column) => row[column] ?? ''))),
  ].join('\n');
}
