// One of the objects that the run has found: by pointing into the picture, or by its place in the list.

import { toPicture } from '../logic/resize';
import type { Run } from '../run';
import { cssColour } from './colours';
import { Slider } from './controls';
import { type OverlayBox, PictureOverlay } from './picture_overlay';

interface ObjectPickerProps {
  run: Run;
  value: number;
  onChange: (index: number) => void;
  /** More to draw, in resized pixels. */
  others?: readonly OverlayBox[];
}

export function ObjectPicker({ run, value, onChange, others = [] }: ObjectPickerProps) {
  const { found } = run.info;
  const chosen = found[value];
  if (!chosen) return <p class="card">The run has found nothing in this picture: choose another one.</p>;
  const words = (i: number) => `${found[i]!.label} ${found[i]!.score.toFixed(2)}`;
  const point = ({ clientX, clientY, currentTarget }: MouseEvent) => {
    const area = (currentTarget as Element).querySelector('.picture')!.getBoundingClientRect();
    const x = ((clientX - area.left) / area.width) * run.info.picture.width;
    const y = ((clientY - area.top) / area.height) * run.info.picture.height;
    const under = found
      .map(({ box: [x1, y1, x2, y2] }, i) => ({ i, area: (x2 - x1) * (y2 - y1), x1, y1, x2, y2 }))
      .filter(({ x1, y1, x2, y2 }) => x >= x1 && x <= x2 && y >= y1 && y <= y2)
      .sort((a, b) => a.area - b.area)[0];
    if (under) onChange(under.i);
  };
  return (
    <div class="stack object-picker">
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the slider below does the same */}
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: the slider below has the keys */}
      <div class="pointable" onClick={point}>
        <PictureOverlay
          run={run}
          name={`The picture with ${found.length} objects; chosen: ${words(value)}`}
          boxes={[
            ...found.map(({ box }, i) => ({
              box,
              colour: i === value ? cssColour(i) : '#ffffff70',
              strong: i === value,
              label: i === value ? words(i) : undefined,
              key: i,
            })),
            ...others.map((each) => ({ ...each, box: toPicture(run.info, each.box) })),
          ]}
        />
      </div>
      <Slider
        label="Object"
        min={1}
        max={found.length}
        value={value + 1}
        text={`${value + 1} of ${found.length}: ${words(value)}`}
        onInput={(next) => onChange(next - 1)}
      />
    </div>
  );
}
