// Tables and numbers as text for the terminal.

/** Rows as lines: columns padded to their widest cell; to the right if all under the heading are numbers. */
export function table(rows: readonly (readonly (string | number)[])[], indent = ''): string {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, i) => {
      widths[i] = Math.max(widths[i] ?? 0, String(cell).length);
    });
  }
  const right = widths.map((_, i) => rows.length > 1 && rows.slice(1).every((row) => isQuantity(row[i])));
  return rows
    .map((row) => {
      const cells = row.map((cell, i) =>
        right[i] ? String(cell).padStart(widths[i]!) : String(cell).padEnd(widths[i]!),
      );
      return `${indent}${cells.join('  ').trimEnd()}\n`;
    })
    .join('');
}

function isQuantity(cell: string | number | undefined): boolean {
  return typeof cell === 'number' || /^([\d.]+( px)?|-)$/.test(cell ?? '');
}

/** 6.84 MB, 128 B. */
export function bytes(count: number): string {
  return `${scaled(count)}B`;
}

/** 1.23 G, 45.6 k, 7. */
export function scaled(count: number): string {
  const power = count < 1000 ? 0 : Math.min(3, Math.floor(Math.log10(count) / 3));
  const value = count / 1000 ** power;
  return `${power === 0 ? value : value.toPrecision(3)} ${['', 'k', 'M', 'G'][power]}`;
}

/** 812 ms, 5.3 s, 3.1 min. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  return ms < 120_000 ? `${(ms / 1000).toFixed(1)} s` : `${(ms / 60_000).toFixed(1)} min`;
}
