/** Columns as wide as their widest cell; the first is set left, the others right. */
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

/** Milliseconds as people read them. */
export const duration = (ms: number): string =>
  Math.abs(ms) < 1000
    ? `${ms.toFixed(1)} ms`
    : Math.abs(ms) < 120_000
      ? `${(ms / 1000).toFixed(2)} s`
      : `${(ms / 60_000).toFixed(1)} min`;

export const percent = (share: number): string => `${(share * 100).toFixed(0)} %`;
