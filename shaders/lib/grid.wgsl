// A row of invocations, folded where it passes 65,535 workgroups (kernel.ts `grid`).
fn item_of(group: vec3u, lane: u32, size: u32) -> u32 {
  return (group.y * 65535u + group.x) * size + lane;
}
