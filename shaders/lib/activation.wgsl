// What a layer ends with: ReLU or nothing, which are a lower bound, or hard-swish (Howard et al. 2019, MobileNetV3,
// arXiv:1905.02244, section 5.2).

const HARD_SWISH = false;  // set by src/kernels/quads.ts

fn activate(value: vec4f, lowest: f32) -> vec4f {
#if HARD_SWISH
  return value * clamp(value + 3.0, vec4f(0.0), vec4f(6.0)) / 6.0;
#else
  return max(value, vec4f(lowest));
#endif
}
