// Every row of the kernel tables: the shader's output against the naive f64 reference.

import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { traitsOf } from '../src/kernels/methods';
import { runKernel, testDevice } from './gpu';
import type { KernelCase } from './kernel_case';
import { rows } from './kernels.table';

const byKernel = new Map<string, KernelCase[]>();
for (const row of rows) byKernel.set(row.kernel.name, [...(byKernel.get(row.kernel.name) ?? []), row]);

for (const [kernel, cases] of byKernel) {
  describe(kernel, () => {
    for (const row of cases) {
      test(row.what, async ({ skip }) => {
        const { half, subgroup } = traitsOf(await testDevice());
        skip(row.needs === 'shader-f16' && !half, 'the adapter has no shader-f16');
        skip((row.lanes ?? 0) > subgroup, `the adapter has no subgroups of ${row.lanes} lanes`);
        await compare(row);
      });
    }
  });
}

test('every shader has a row', () => {
  const shaders = readdirSync(new URL('../shaders', import.meta.url)).filter((file) =>
    file.endsWith('.wgsl'),
  );
  expect(shaders.map((file) => file.replace('.wgsl', '')).sort()).toEqual([...byKernel.keys()].sort());
});

async function compare(row: KernelCase): Promise<void> {
  const { kernel, inputs, attributes, reference, tolerance, byteTolerance } = row;
  const got = await runKernel(kernel, inputs, attributes);
  const want = reference();
  expect(Object.keys(got).sort()).toEqual(Object.keys(want).sort());
  for (const name of Object.keys(want)) {
    const pixels = byteTolerance !== undefined;
    const found = pixels ? bytes(got[name]!) : got[name]!;
    const allowed = pixels ? { atol: byteTolerance, rtol: 0 } : tolerance;
    expect(misses(found, want[name]!, allowed), `${kernel.name} ${name}`).toEqual([]);
  }
}

/** Pixels as R G B A. */
function bytes(words: Float32Array | Uint32Array): Float32Array {
  return Float32Array.from(new Uint8Array(words.buffer));
}

/** The first ten elements that are out of tolerance. */
function misses(
  got: Float32Array | Uint32Array,
  want: ArrayLike<number>,
  { atol, rtol }: KernelCase['tolerance'],
): string[] {
  if (got.length !== want.length) return [`length ${got.length}, wanted ${want.length}`];
  const exact = got instanceof Uint32Array;
  const found: string[] = [];
  for (let i = 0; i < got.length && found.length < 10; i++) {
    const [g, w] = [got[i]!, want[i]!];
    if (Number.isNaN(w) || g === w) continue;
    const allowed = exact ? 0 : atol + rtol * Math.abs(w);
    if (!(Math.abs(g - w) <= allowed)) found.push(`[${i}] got ${g}, wanted ${w}`);
  }
  return found;
}
