// Rounding as torch.round and WGSL's round do it, and Math.round does not.

/** The nearest whole number; halves go to the even neighbour. */
export function roundHalfEven(x: number): number {
  const rounded = Math.round(x);
  return rounded - x === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}
