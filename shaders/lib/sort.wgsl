// Sorts up to 1024 (key, item) pairs in the memory of a workgroup of 256: keys descend, equal keys
// by ascending item. Bitonic (Batcher 1968), over as many pairs as there are, rounded up to 2^n.

var<workgroup> sort_keys: array<u32, 1024>;
var<workgroup> sort_items: array<u32, 1024>;
var<workgroup> sort_added: atomic<u32>;
var<workgroup> sort_count: u32;

// Adds a pair, from any lane, in any order.
fn add_pair(key: u32, item: u32) {
  let slot = atomicAdd(&sort_added, 1u);
  if (slot < 1024u) {
    sort_keys[slot] = key;
    sort_items[slot] = item;
  }
}

// Sorts what was added since the last time and returns how many there are. All lanes must call it.
fn sort_pairs(lane: u32) -> u32 {
  workgroupBarrier();
  if (lane == 0u) {
    sort_count = min(atomicLoad(&sort_added), 1024u);
  }
  let count = workgroupUniformLoad(&sort_count);
  if (lane == 0u) {
    atomicStore(&sort_added, 0u);
  }
  var size = 1u;
  while (size < count) {
    size *= 2u;
  }
  for (var i = count + lane; i < size; i += 256u) {
    sort_keys[i] = 0u;
    sort_items[i] = 0xffffffffu;
  }
  workgroupBarrier();
  for (var run = 2u; run <= size; run *= 2u) {
    for (var stride = run / 2u; stride > 0u; stride /= 2u) {
      for (var pair = lane; pair < size / 2u; pair += 256u) {
        let low = 2u * pair - (pair & (stride - 1u));
        order_pair(low, low + stride, (low & run) == 0u);
      }
      workgroupBarrier();
    }
  }
  return count;
}

fn order_pair(low: u32, high: u32, descending: bool) {
  let keys = vec2u(sort_keys[low], sort_keys[high]);
  let items = vec2u(sort_items[low], sort_items[high]);
  let ordered = keys.x > keys.y || (keys.x == keys.y && items.x < items.y);
  if (ordered != descending) {
    sort_keys[low] = keys.y;
    sort_keys[high] = keys.x;
    sort_items[low] = items.y;
    sort_items[high] = items.x;
  }
}
