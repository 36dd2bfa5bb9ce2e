// A layer's biases and factors as its kernels read them: by groups, in quads.

/** Each group's outputs, padded with zeros to a whole number of vec4s. */
export function packGroups(values: Float32Array, groups: number, length: number): Float32Array<ArrayBuffer> {
  const packed = new Float32Array(length);
  const [from, to] = [values.length / groups, length / groups];
  for (let group = 0; group < groups; group++) {
    packed.set(values.subarray(group * from, (group + 1) * from), group * to);
  }
  return packed;
}

/** A quad of `a`, a quad of `b`, the next of `a`, and so on. */
export function byTurns(a: Float32Array, b: Float32Array): Float32Array<ArrayBuffer> {
  const both = new Float32Array(a.length + b.length);
  for (let i = 0; i < a.length; i += 4) {
    both.set(a.subarray(i, i + 4), 2 * i);
    both.set(b.subarray(i, i + 4), 2 * i + 4);
  }
  return both;
}
