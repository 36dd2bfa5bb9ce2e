// Follows objects from frame to frame: each detection continues the track whose box, moved on as fast as it last
// moved, overlaps it the most (IoU), best pairs first; as Bochinski et al. 2017, High-Speed Tracking-by-Detection
// Without Using Image Information, with the steady motion of SORT (Bewley et al. 2016, arXiv:1602.00763).

export type Box = readonly [x1: number, y1: number, x2: number, y2: number];

/** What is followed: an object of one frame. */
export interface Seen {
  box: Box;
  classIndex: number;
}

/** One object over time. */
export interface Track {
  /** Counts from 1, and is never used again. */
  readonly id: number;
  readonly classIndex: number;
  box: Box;
  /** Pixels a second, of the box's centre. */
  velocity: readonly [x: number, y: number];
  /** Seconds: when it was seen last. */
  lastSeen: number;
  /** Frames in which it was seen. */
  hits: number;
  /** Centres of its boxes, the last ones. */
  trail: (readonly [x: number, y: number])[];
}

export interface TrackerOptions {
  /** Least overlap of a track and its next detection. */
  minIou?: number;
  /** Seconds after which a track that is not seen ends. */
  patience?: number;
}

const TRAIL = 40; // centres
const STEADY = 0.5; // share of the last step in the velocity

export class Tracker {
  private tracks: Track[] = [];
  private last = 0;
  private readonly minIou: number;
  private readonly patience: number;

  constructor({ minIou = 0.25, patience = 1 }: TrackerOptions = {}) {
    this.minIou = minIou;
    this.patience = patience;
  }

  /** The tracks of a frame's objects, in their order. `seconds` is the frame's time, and goes forward. */
  update(objects: readonly Seen[], seconds: number): Track[] {
    this.tracks = this.tracks.filter(({ lastSeen }) => seconds - lastSeen <= this.patience);
    const found: (Track | undefined)[] = objects.map(() => undefined);
    const taken = new Set<Track>();
    for (const { track, index } of this.pairs(objects, seconds)) {
      if (taken.has(track) || found[index]) continue;
      taken.add(track);
      found[index] = track;
      advance(track, objects[index]!.box, seconds);
    }
    return objects.map((object, i) => found[i] ?? this.begin(object, seconds));
  }

  /** Tracks so far. */
  get count(): number {
    return this.last;
  }

  /** Pairs of one class that overlap enough, the best first. */
  private pairs(objects: readonly Seen[], seconds: number): { track: Track; index: number }[] {
    return this.tracks
      .flatMap((track) => {
        const box = moved(track, seconds);
        return objects.map((object, index) => ({
          track,
          index,
          overlap: object.classIndex === track.classIndex ? iou(box, object.box) : 0,
        }));
      })
      .filter(({ overlap }) => overlap >= this.minIou)
      .sort((a, b) => b.overlap - a.overlap);
  }

  private begin({ box, classIndex }: Seen, seconds: number): Track {
    const track: Track = {
      id: ++this.last,
      classIndex,
      box,
      velocity: [0, 0],
      lastSeen: seconds,
      hits: 1,
      trail: [centre(box)],
    };
    this.tracks.push(track);
    return track;
  }
}

function advance(track: Track, box: Box, seconds: number): void {
  const [x, y] = centre(box);
  const [oldX, oldY] = centre(track.box);
  const passed = seconds - track.lastSeen;
  if (passed > 0) {
    const [vx, vy] = track.velocity;
    const share = track.hits === 1 ? 1 : STEADY;
    track.velocity = [
      (1 - share) * vx + (share * (x - oldX)) / passed,
      (1 - share) * vy + (share * (y - oldY)) / passed,
    ];
  }
  track.box = box;
  track.lastSeen = seconds;
  track.hits++;
  track.trail = [...track.trail, [x, y] as const].slice(-TRAIL);
}

/** Where a track's box should be by now. */
function moved({ box, velocity, lastSeen }: Track, seconds: number): Box {
  const [dx, dy] = velocity.map((speed) => speed * (seconds - lastSeen)) as [number, number];
  return [box[0] + dx, box[1] + dy, box[2] + dx, box[3] + dy];
}

export function centre([x1, y1, x2, y2]: Box): readonly [x: number, y: number] {
  return [(x1 + x2) / 2, (y1 + y2) / 2];
}

/** Intersection over union. */
export function iou(a: Box, b: Box): number {
  const across = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const down = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  if (across <= 0 || down <= 0) return 0;
  const common = across * down;
  return common / (area(a) + area(b) - common);
}

function area([x1, y1, x2, y2]: Box): number {
  return (x2 - x1) * (y2 - y1);
}
