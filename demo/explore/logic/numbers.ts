// Numbers as people read them.

/** Four significant digits, whole numbers as they are; a true minus sign. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (Number.isInteger(value) && size < 1e5) return String(value).replaceAll('-', '−');
  const text = size !== 0 && (size < 1e-3 || size >= 1e5) ? value.toExponential(2) : trimmed(value, size);
  return text.replaceAll('-', '−');
}

function trimmed(value: number, size: number): string {
  return value.toFixed(size >= 1000 ? 0 : size >= 100 ? 1 : size >= 10 ? 2 : size >= 1 ? 3 : 4);
}

/** As `short`, a negative number in parentheses: to stand after an operator. */
export function parenthesised(value: number): string {
  return value < 0 ? `(${short(value)})` : short(value);
}

/** 1,234,567 as 1.23 M. */
export function compact(value: number): string {
  const units: [number, string][] = [
    [1e9, 'G'],
    [1e6, 'M'],
    [1e3, 'k'],
  ];
  const [size, unit] = units.find(([size]) => value >= size) ?? [1, ''];
  const scaled = value / size;
  return `${scaled >= 100 || size === 1 ? Math.round(scaled) : scaled.toPrecision(3)}${unit && ` ${unit}`}`;
}

/** Microseconds as ms. */
export function milliseconds(microseconds: number | undefined): string {
  if (microseconds === undefined) return 'not measured';
  return `${(microseconds / 1000).toFixed(microseconds < 10_000 ? 3 : 1)} ms`;
}

export function percent(part: number): string {
  return `${(100 * part).toFixed(part < 0.1 ? 1 : 0)} %`;
}

/** A shape as the project writes it: 1 × 128 × 171 × 48. */
export function shapeText(shape: readonly number[]): string {
  return shape.join(' × ');
}
