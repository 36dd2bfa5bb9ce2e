// Multiply-adds and nothing else, in chains that do not depend on each other: the adapter's peak.
//
//   sink [N]   a sum of each invocation, so that nothing can be left out
//
// Every chain runs x = x * a + b towards its fixed point, 1 for a = b = 1/2: no infinities, no denormals.
#if F16
enable f16;
#endif

// Set by bench/micro_kernels.ts; the values here are the defaults.
const F16 = false;
const FUSED = true;  // fma(x, a, b), or x * a + b, which a compiler may fuse
const CHAINS = 8u;   // 4 or 8
alias Scalar = f32;
alias Elem = vec4f;  // Scalar, or a vec4 of it
const LANES = 4u;    // scalars of an Elem

struct Params {
  rounds: u32,  // of 4 steps of each chain
  factor: f32,
  term: f32,
}

struct Chains {
  c0: Elem,
  c1: Elem,
  c2: Elem,
  c3: Elem,
#if CHAINS == 8
  c4: Elem,
  c5: Elem,
  c6: Elem,
  c7: Elem,
#endif
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> sink: array<f32>;

@compute @workgroup_size(64)
fn fma_chains(@builtin(global_invocation_id) id: vec3u) {
  let a = Elem(Scalar(params.factor));
  let b = Elem(Scalar(params.term));
  let first = Scalar(id.x % 64u) / 64;
  var c = Chains();
  c.c0 = Elem(first);
  c.c1 = Elem(first + 1);
  c.c2 = Elem(first + 2);
  c.c3 = Elem(first + 3);
#if CHAINS == 8
  c.c4 = Elem(first + 4);
  c.c5 = Elem(first + 5);
  c.c6 = Elem(first + 6);
  c.c7 = Elem(first + 7);
#endif
  for (var round = 0u; round < params.rounds; round++) {
    c = advance(advance(advance(advance(c, a, b), a, b), a, b), a, b);
  }
  var sum = c.c0 + c.c1 + c.c2 + c.c3;
#if CHAINS == 8
  sum += c.c4 + c.c5 + c.c6 + c.c7;
#endif
#if LANES == 4
  sink[id.x] = f32(sum.x + sum.y + sum.z + sum.w);
#else
  sink[id.x] = f32(sum);
#endif
}

fn advance(c: Chains, a: Elem, b: Elem) -> Chains {
#if CHAINS == 8
  return Chains(
    chain(c.c0, a, b), chain(c.c1, a, b), chain(c.c2, a, b), chain(c.c3, a, b),
    chain(c.c4, a, b), chain(c.c5, a, b), chain(c.c6, a, b), chain(c.c7, a, b));
#else
  return Chains(chain(c.c0, a, b), chain(c.c1, a, b), chain(c.c2, a, b), chain(c.c3, a, b));
#endif
}

fn chain(x: Elem, a: Elem, b: Elem) -> Elem {
#if FUSED
  return fma(x, a, b);
#else
  return x * a + b;
#endif
}
