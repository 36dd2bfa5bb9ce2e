// What the pages compute without a GPU: settings in addresses, tracks, crossings, edits, and the view.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { changeBackground } from '../../demo/detect/edit/background';
import { inpaint } from '../../demo/detect/edit/inpaint';
import { cutOut, grow, type Pixels, union } from '../../demo/detect/edit/pixels';
import { Crossings } from '../../demo/detect/live/crossings';
import { Follower } from '../../demo/detect/live/follower';
import { type Box, iou, Tracker } from '../../demo/detect/live/tracker';
import { DEFAULTS, fromHash, LAYERS, type Settings, toHash } from '../../demo/detect/settings_url';

describe('settings in the address', () => {
  const share = fc.integer({ min: 0, max: 1000 }).map((n) => n / 1000);
  const settings: fc.Arbitrary<Settings> = fc.record({
    model: fc.constantFrom('nuclei', 'torchvision/maskrcnn_resnet50_fpn'),
    picture: fc.constantFrom('nuclei', 'coffee'),
    weights: fc.constantFrom(undefined, 'https://example.org/a b.pth?x=1&y=2', '/r50.pkl'),
    score: share,
    layers: fc.subarray([...LAYERS]),
    hidden: fc.uniqueArray(fc.constantFrom('person', 'wine glass', 'N/A', 'a&b=c#d')),
    colourBy: fc.constantFrom('instance' as const, 'class' as const),
    size: fc.option(fc.integer({ min: 32, max: 4096 }), { nil: undefined }),
    precision: fc.constantFrom('f32' as const, 'f16' as const, 'auto' as const),
    everyFrame: fc.boolean(),
    line: fc.option(fc.tuple(share, share, share, share), { nil: undefined }),
  });

  test('come back as they were', () => {
    const property = fc.property(settings, (some) => {
      expect(fromHash(toHash(some))).toEqual(some);
    });
    fc.assert(property);
  });

  test('are nothing by default, and nonsense is passed over', () => {
    expect(toHash(DEFAULTS)).toBe('');
    expect(fromHash('')).toEqual(DEFAULTS);
    expect(fromHash('#score=2&size=x&layers=&precision=f8&line=0 0 1&colours=&%')).toEqual({
      ...DEFAULTS,
      layers: [],
    });
  });
});

const box = (x: number, y: number, side = 10): Box => [x, y, x + side, y + side];
const seen = (...boxes: Box[]) => boxes.map((each) => ({ box: each, classIndex: 1 }));

describe('tracker', () => {
  test('ids stay with objects that pass each other, in whatever order they are found', () => {
    const tracker = new Tracker();
    const ids: number[][] = [];
    for (let frame = 0; frame <= 30; frame++) {
      const [a, b] = [box(4 * frame, 0), box(120 - 4 * frame, 8)];
      const order = frame % 2 ? [b, a] : [a, b];
      const tracks = tracker.update(seen(...order), frame / 10);
      ids.push(frame % 2 ? [tracks[1]!.id, tracks[0]!.id] : [tracks[0]!.id, tracks[1]!.id]);
    }
    expect(new Set(ids.map(String))).toEqual(new Set(['1,2']));
    expect(tracker.count).toBe(2);
  });

  test('an object that is missed for a while keeps its id, one that left does not', () => {
    const tracker = new Tracker({ patience: 0.5 });
    const at = (seconds: number) => tracker.update(seen(box(20 * seconds, 0)), seconds)[0]!.id;
    expect([at(0), at(0.1), at(0.5)]).toEqual([1, 1, 1]);
    expect(at(1.2)).toBe(2);
  });

  test('no track goes to another class, or to what it does not overlap', () => {
    const tracker = new Tracker();
    tracker.update([{ box: box(0, 0), classIndex: 1 }], 0);
    expect(tracker.update([{ box: box(0, 0), classIndex: 2 }], 0.1)[0]!.id).toBe(2);
    expect(tracker.update([{ box: box(50, 0), classIndex: 1 }], 0.2)[0]!.id).toBe(3);
  });

  test('iou', () => {
    expect(iou([0, 0, 2, 2], [1, 1, 3, 3])).toBeCloseTo(1 / 7, 12);
    expect(iou([0, 0, 2, 2], [2, 0, 4, 2])).toBe(0);
    expect(iou([0, 0, 2, 2], [0, 0, 2, 2])).toBe(1);
  });
});

describe('crossings', () => {
  const walk = (path: [number, number][], from: [number, number], to: [number, number]) => {
    const [tracker, crossings] = [new Tracker(), new Crossings()];
    path.forEach(([x, y], i) => {
      crossings.update(tracker.update(seen(box(x - 50, y - 50, 100)), i / 10), from, to);
    });
    return crossings.total;
  };

  test('both ways, each time, and only between the ends', () => {
    const there: [number, number][] = [0, 10, 20, 30, 40].map((x) => [x, 50]);
    // the line goes down; what goes to larger x goes to the left of it, as seen from its first end
    expect(walk(there, [25, 0], [25, 100])).toEqual({ left: 1, right: 0 });
    expect(walk(there.toReversed(), [25, 0], [25, 100])).toEqual({ left: 0, right: 1 });
    expect(walk([...there, ...there.toReversed()], [25, 0], [25, 100])).toEqual({ left: 1, right: 1 });
    expect(walk(there, [25, 60], [25, 100])).toEqual({ left: 0, right: 0 });
    expect(walk(there, [25, 100], [25, 0])).toEqual({ left: 0, right: 1 });
  });

  test('a stop on the line counts once', () => {
    expect(
      walk(
        [
          [0, 50],
          [25, 50],
          [25, 50],
          [40, 50],
        ],
        [25, 0],
        [25, 100],
      ),
    ).toEqual({ left: 1, right: 0 });
  });
});

test('follower: only what is sure enough gets a number, and is counted', () => {
  const follower = new Follower();
  const look = (x: number) => [
    { label: 'cell', classIndex: 1, score: 0.3, box: [...box(200, 0)] as [number, number, number, number] },
    {
      label: 'cell',
      classIndex: 1,
      score: 0.9,
      box: [...box(x, 0, 100)] as [number, number, number, number],
    },
  ];
  const size = { width: 400, height: 200 };
  const line = [0.3, 0, 0.3, 1] as const; // x = 120
  const ids = [20, 60, 100].map((x, i) =>
    follower.update(look(x), 0.5, i / 10, line, size).map((track) => track?.id),
  );
  expect(ids).toEqual([
    [undefined, 1],
    [undefined, 1],
    [undefined, 1],
  ]);
  expect(follower.counted).toEqual({ crossed: [['cell', 1, 0]], tracks: 1, frames: 3 });
});

/** A picture whose pixel (x, y) is as `colour` says. */
function picture(width: number, height: number, colour: (x: number, y: number) => number[]): Pixels {
  const data = new Uint8ClampedArray(4 * width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) data.set([...colour(x, y), 255], 4 * (y * width + x));
  }
  return { data, width, height };
}

describe('edits', () => {
  const [width, height] = [40, 30];
  const ramp = picture(width, height, (x, y) => [6 * x, 8 * y, 3 * x + 4 * y]);
  const square = { x: 10, y: 8, width: 12, height: 9, data: new Uint8Array(108).fill(1) };
  const mask = union([square], width, height);

  test('erased: a ramp goes on through the hole, and nothing else changes', () => {
    const spoilt = { ...ramp, data: ramp.data.slice() };
    mask.forEach((missing, i) => {
      if (missing) spoilt.data.set([255, 0, 255], 4 * i);
    });
    const filled = inpaint(spoilt, mask);
    let worst = 0;
    mask.forEach((missing, i) => {
      for (let channel = 0; channel < 4; channel++) {
        const error = Math.abs(filled.data[4 * i + channel]! - ramp.data[4 * i + channel]!);
        if (missing) worst = Math.max(worst, error);
        else expect(error).toBe(0);
      }
    });
    expect(worst).toBeLessThanOrEqual(1); // of 255: linear functions solve Laplace's equation
  });

  test('a picture that is all hole is left as it is', () => {
    const all = new Uint8Array(width * height).fill(1);
    expect(
      inpaint(
        picture(width, height, () => [7, 7, 7]),
        all,
      ).data.slice(0, 4),
    ).toEqual(Uint8ClampedArray.of(0, 0, 0, 255));
  });

  test('cut out: the rectangle of its pixels, clear around it', () => {
    const data = new Uint8Array(108);
    data[2 * 12 + 3] = data[4 * 12 + 5] = 1;
    const cut = cutOut(ramp, { ...square, data })!;
    expect([cut.width, cut.height]).toEqual([3, 3]);
    expect([...cut.data.slice(0, 8)]).toEqual([
      ...ramp.data.slice(4 * (10 * width + 13), 4 * (10 * width + 13) + 4),
      0,
      0,
      0,
      0,
    ]);
    expect(cut.data.slice(-4)).toEqual(ramp.data.slice(4 * (12 * width + 15), 4 * (12 * width + 15) + 4));
    expect(cutOut(ramp, { ...square, data: new Uint8Array(108) })).toBeUndefined();
  });

  test('grown by a reach along both axes', () => {
    const dot = new Uint8Array(25);
    dot[12] = 1;
    expect([...grow(dot, 5, 5, 1)].join('')).toBe('0000001110011100111000000');
  });

  test('blurred background: objects stay, and none of their colour goes into it', () => {
    const scene = picture(width, height, (x, y) => (mask[y * width + x] ? [255, 0, 0] : [0, 0, 200]));
    const blurred = changeBackground(scene, mask, { kind: 'blur', radius: 4 });
    expect(blurred.data).toEqual(scene.data); // a flat background stays flat to the objects' edges
    const lines = picture(width, height, (x, y) =>
      mask[y * width + x] ? [255, 0, 0] : [0, 0, x % 2 ? 200 : 0],
    );
    const calm = changeBackground(lines, mask, { kind: 'blur', radius: 4 });
    for (let i = 0; i < mask.length; i++) {
      expect(calm.data[4 * i]).toBe(mask[i] ? 255 : 0);
      if (!mask[i]) expect(Math.abs(calm.data[4 * i + 2]! - 100)).toBeLessThan(15);
    }
  });

  test('recoloured and grey background', () => {
    const green = changeBackground(ramp, mask, { kind: 'colour', colour: [1, 2, 3] });
    const grey = changeBackground(ramp, mask, { kind: 'grey' });
    for (let i = 0; i < mask.length; i++) {
      const at = [...green.data.slice(4 * i, 4 * i + 3)];
      const [red, g, blue] = grey.data.slice(4 * i, 4 * i + 3);
      if (mask[i]) expect(at).toEqual([...ramp.data.slice(4 * i, 4 * i + 3)]);
      else expect([at, red, g]).toEqual([[1, 2, 3], blue, blue]);
    }
  });
});
