const FAR = 16777216.0;  // 2^24: corners are clamped to it, so that no integer overflows

// Set by src/kernels/paste.ts. Whether a mask is read at the middle of each pixel (detectron2, MMDetection) and not
// resized to a box of whole pixels (torchvision).
const CENTRES = false;

// The whole pixels that a mask may set: x0 y0 x1 y1, inclusive, not cut by the picture's borders.
// `growth` is fl((M + 2) / M): the mask gets a ring of zeros. As torchvision's expand_boxes and
// paste_mask_in_image: cut toward zero, so -0.7 becomes 0. With CENTRES: (M + 1) / M, where the ring ends.
fn paste_corners(box: vec4f, growth: f32) -> vec4i {
  let centre = (box.zw + box.xy) * 0.5;
  // The min keeps compilers from fusing product and sum into one rounding, which would move corners.
  let half_size = min((box.zw - box.xy) * 0.5 * growth, vec2f(FAR));
  let corners = clamp(vec4f(centre - half_size, centre + half_size), vec4f(-FAR), vec4f(FAR));
#if CENTRES
  if (!all(box.zw > box.xy)) {
    return vec4i(0, 0, -1, -1);
  }
  return vec4i(vec4f(floor(corners.xy - 0.5), ceil(corners.zw - 0.5)));
#else
  return vec4i(corners);
#endif
}
