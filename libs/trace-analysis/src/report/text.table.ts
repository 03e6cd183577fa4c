/** Formats rows as columns of equal width. The first column is left-aligned, the others right-aligned. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows.reduce<number[]>(
    (most, row) => row.map((cell, column) => Math.max(most[column] ?? 0, cell.length)),
    [],
  );
  return rows.map((row) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart((widths[column] ?? 0) + 2),
      )
      .join('')
      .trimEnd(),
  );
}

/** Formats milliseconds for people. */
export const duration = (ms: number): string =>
  Math.abs(ms) < 1000
    ? `${ms.toFixed(1)} ms`
    : Math.abs(ms) < 120_000
      ? `${(ms / 1000).toFixed(2)} s`
      : `${(ms / 60_000).toFixed(1)} min`;

export const percent = (share: number): string => `${(share * 100).toFixed(0)} %`;
