// The packed layout of weights by its definition.

import type { HostTensor } from '../gpu';

const pad = (n: number): number => Math.ceil(n / 4) * 4;

// weight [O, I, Y, X] ([I, O, Y, X] if transposed) -> [G, Y, X, I, O/G], channels padded to 4
export function packWeight(
  weight: HostTensor,
  groups = 1,
  transposed = false,
  scale: (o: number) => number = () => 1,
): HostTensor {
  const [first, second, Y, X] = weight.shape as [number, number, number, number];
  const [O, I] = transposed ? [second, first] : [first, second];
  const perGroup = O / groups;
  const shape = [groups, Y, X, pad(I), pad(perGroup)];
  const data = new Float32Array(shape.reduce((a, b) => a * b, 1));
  for (let o = 0; o < O; o++)
    for (let i = 0; i < I; i++)
      for (let y = 0; y < Y; y++)
        for (let x = 0; x < X; x++) {
          const from = transposed ? ((i * O + o) * Y + y) * X + x : ((o * I + i) * Y + y) * X + x;
          const row = ((Math.floor(o / perGroup) * Y + y) * X + x) * pad(I) + i;
          data[row * pad(perGroup) + (o % perGroup)] = Math.fround(weight.data[from]! * scale(o));
        }
  return { shape, dtype: 'f32', data };
}

/** bias [O] -> [G * O/G], each group padded to 4 */
export function packBias(bias: HostTensor, groups = 1): HostTensor {
  const perGroup = bias.shape[0]! / groups;
  const data = new Float32Array(groups * pad(perGroup));
  bias.data.forEach((value, o) => {
    data[Math.floor(o / perGroup) * pad(perGroup) + (o % perGroup)] = value;
  });
  return { shape: [data.length], dtype: 'f32', data };
}
