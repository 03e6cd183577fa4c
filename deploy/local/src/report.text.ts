const ANALYSIS = '@clipmesh/trace-analysis';

/** The report as trace analysis prints it; where that has no text form, its figures one per line. */
export async function reportText(report: unknown): Promise<string> {
  const analysis = (await import(ANALYSIS)) as { readonly formatReport?: (report: unknown) => string };
  return analysis.formatReport?.(report) ?? plain(report);
}

/** The top-level figures, one per line. */
export function plain(report: unknown): string {
  if (typeof report !== 'object' || report === null) return String(report);
  return Object.entries(report)
    .filter(([, value]) => typeof value === 'number' || typeof value === 'string')
    .map(
      ([name, value]) =>
        `${name.padEnd(22)}${typeof value === 'number' ? Math.round(value * 100) / 100 : String(value)}`,
    )
    .join('\n');
}
