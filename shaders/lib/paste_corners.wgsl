const FAR = 16777216.0;  // 2^24: corners are clamped to it, so that no integer overflows

// The integer box that a mask is resized to: x0 y0 x1 y1, inclusive, not cut by the picture's borders.
// `growth` is fl((M + 2) / M): the mask gets a ring of zeros. As torchvision's expand_boxes and
// paste_mask_in_image: cut toward zero, so -0.7 becomes 0.
fn paste_corners(box: vec4f, growth: f32) -> vec4i {
  let centre = (box.zw + box.xy) * 0.5;
  // The min keeps compilers from fusing product and sum into one rounding, which would move corners.
  let half_size = min((box.zw - box.xy) * 0.5 * growth, vec2f(FAR));
  return vec4i(clamp(vec4f(centre - half_size, centre + half_size), vec4f(-FAR), vec4f(FAR)));
}
