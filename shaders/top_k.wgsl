// The k greatest values of each segment of a flat array, descending; equal ones by lowest index.
//
//   values   [...]    S segments, anywhere in it
//   segments [S, 2]   offset and length of each
//   indices  [S, k]   within the segment; 0xffffffff beyond the end
//   top      [S, k]   the values; NONE beyond the end. What is no score (lib/score.wgsl) is never chosen
//
// One workgroup a segment. A radix select (Alabi et al. 2012, Fast k-selection algorithms for GPUs)
// fixes the entry at place k, a byte at a time from the top, until what is not below it fits the sort.
// Where k is beyond the sort's capacity, that makes one run of the result after the other, each from the
// entries below the last one's. An entry is (key, ~index), so no two are equal: ties need nothing of their own.

struct Params {
  k: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> values: array<f32>;
@group(0) @binding(2) var<storage, read> segments: array<vec2u>;
@group(0) @binding(3) var<storage, read_write> indices: array<u32>;
@group(0) @binding(4) var<storage, read_write> top: array<f32>;

// What the select has found so far.
struct Cut {
  entry: vec2u,  // the bytes that are fixed, then zeros
  above: u32,    // entries that are above all that share these bytes
  fits: u32,     // 1 once the entries at or above `entry` fit the sort
}

const LANES = 256u;
const SORTED = 1024u;  // capacity of lib/sort.wgsl

var<workgroup> histogram: array<atomic<u32>, 256>;
var<workgroup> shared_cut: Cut;

@compute @workgroup_size(256)
fn top_k(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let offset = segments[group.x].x;
  let length = segments[group.x].y;
  let first = group.x * params.k;
  var end = vec2u(0xffffffffu);  // entries of this run are below it
  var written = 0u;
  for (var more = true; more;) {
    let wanted = min(params.k - written, SORTED);
    let cut = cut_at(wanted, end, offset, length, lane);
    for (var i = lane; i < length; i += LANES) {
      let entry = vec2u(score_key(values[offset + i]), ~i);
      if (entry.x != 0u && !is_below(entry, cut) && is_below(entry, end)) {
        add_pair(entry.x, i);
      }
    }
    let found = sort_pairs(lane);
    let count = min(found, wanted);
    for (var i = lane; i < count; i += LANES) {
      indices[first + written + i] = sort_items[i];
      top[first + written + i] = score_of(sort_keys[i]);
    }
    end = vec2u(sort_keys[max(count, 1u) - 1u], ~sort_items[max(count, 1u) - 1u]);
    written += count;
    more = written < params.k && count == wanted;
    workgroupBarrier();  // before the next run overwrites this one
  }
  for (var i = written + lane; i < params.k; i += LANES) {
    indices[first + i] = 0xffffffffu;
    top[first + i] = NONE;
  }
}

// An entry such that, of those below `end`, at least `wanted` are not below it, or all, and these fit the sort.
fn cut_at(wanted: u32, end: vec2u, offset: u32, length: u32, lane: u32) -> vec2u {
  var cut = Cut(vec2u(), 0u, u32(length <= SORTED));
  var fixed = vec2u();  // mask of the bytes that are fixed
  for (var place = 0u; place < 8u && cut.fits == 0u; place++) {
    let shift = 24u - 8u * (place % 4u);
    atomicStore(&histogram[lane], 0u);
    workgroupBarrier();
    for (var i = lane; i < length; i += LANES) {
      let entry = vec2u(score_key(values[offset + i]), ~i);
      if (entry.x != 0u && all((entry & fixed) == cut.entry) && is_below(entry, end)) {
        let digit = select(entry.x, entry.y, place >= 4u) >> shift;
        atomicAdd(&histogram[digit & 255u], 1u);
      }
    }
    workgroupBarrier();
    if (lane == 0u) {
      shared_cut = narrow(cut, wanted, shift, place >= 4u);
    }
    cut = workgroupUniformLoad(&shared_cut);
    fixed |= select(vec2u(255u << shift, 0u), vec2u(0u, 255u << shift), place >= 4u);
  }
  return cut.entry;
}

fn is_below(a: vec2u, b: vec2u) -> bool {
  return a.x < b.x || (a.x == b.x && a.y < b.y);
}

// Walks down the histogram to the bin that holds the entry at place `wanted`, and fixes its byte.
fn narrow(cut: Cut, wanted: u32, shift: u32, of_index: bool) -> Cut {
  var at_or_above = cut.above;
  var in_bin = 0u;
  var bin = 256u;
  while (bin > 0u && at_or_above < wanted) {
    bin--;
    in_bin = atomicLoad(&histogram[bin]);
    at_or_above += in_bin;
  }
  let byte = bin << shift;
  let entry = cut.entry | select(vec2u(byte, 0u), vec2u(0u, byte), of_index);
  return Cut(entry, at_or_above - in_bin, u32(at_or_above <= SORTED));
}
