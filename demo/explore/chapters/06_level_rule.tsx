// Chapter 6: which level of the pyramid each proposal is pooled from.

import { useSignal } from '@preact/signals';
import type { Chapter } from '../chapter';
import { CANONICAL_SIDE, levelOf, ruleOf, ruleWith } from '../logic/level_rule';
import { short } from '../logic/numbers';
import { toPicture } from '../logic/resize';
import type { Run } from '../run';
import { Cite } from '../views/cite';
import { cssColour } from '../views/colours';
import { Choices, Slider } from '../views/controls';
import { PictureOverlay } from '../views/picture_overlay';
import { Scroll } from '../views/scroll';
import { useTensors } from '../views/use_tensor';

function Text() {
  return (
    <>
      <p>
        The box head looks at each proposal on one level of the pyramid only. Large ones go to coarse levels,
        where a cell sees much; small ones to fine levels, where they still cover some cells. FPN's rule (
        <Cite who="Lin et al." year={2016} id="1612.03144" />, equation 1) for a region of w × h pixels is
      </p>
      <p class="formula">k = ⌊ 4 + log₂( √(w h) / 224 ) ⌋</p>
      <p>
        clamped to the levels that there are. 224 is the side of ImageNet's pictures, on which backbones are
        trained: a region of that size belongs to level 4, one of half the side to level 3. The logarithm is
        never computed here: the shader compares the area with the least area of each level.
      </p>
      <p>
        Step through the proposals, or ask what another side than 224 would do. The mask head applies the rule
        to the final boxes again, so that an object's mask may come from another level than its box.
      </p>
    </>
  );
}

const SOURCES = {
  proposals: {
    boxes: 'rpn.gather_detections.detections',
    count: 'rpn.gather_detections.count',
    node: 'roi_heads.box_roi_pool',
  },
  detections: {
    boxes: 'roi_heads.gather_detections.detections',
    count: 'roi_heads.gather_detections.count',
    node: 'roi_heads.mask_roi_pool',
  },
} as const;

type Source = keyof typeof SOURCES;

function View({ run }: { run: Run }) {
  const source = useSignal<Source>('proposals');
  const side = useSignal(CANONICAL_SIDE);
  const shown = useSignal(200);
  const one = useSignal(0);
  const { boxes, count, node } = SOURCES[source.value];
  const tensors = useTensors(run, [boxes, count]);
  const pool = run.node(node) ?? run.node(SOURCES.proposals.node)!;
  if (!tensors) return <p class="waiting faint">Fetching the proposals</p>;
  const all = tensors[1]!.data[0]!;
  const chooser = (
    <Choices
      label="Of the"
      options={[
        ['proposals', 'proposals'],
        ['detections', 'detections'],
      ]}
      value={source.value}
      onChange={(next) => (source.value = next)}
    />
  );
  if (all === 0) {
    return (
      <section class="stack">
        {chooser}
        <p class="card">The run has no {source.value}.</p>
      </section>
    );
  }
  const own = ruleOf(pool);
  const rule = side.value === CANONICAL_SIDE ? own : ruleWith(own, side.value);
  const boxOf = (i: number) => tensors[0]!.data.subarray(4 * i, 4 * i + 4);
  const levels = Array.from({ length: all }, (_, i) => levelOf(rule, boxOf(i)));
  const at = Math.min(one.value, all - 1);
  const [x1, y1, x2, y2] = boxOf(at) as unknown as [number, number, number, number];
  const [w, h] = [x2 - x1, y2 - y1];
  const octave = Math.log2(Math.sqrt(w * h) / side.value);
  const visible = Math.min(shown.value, all);
  const name = (level: number) => `P${rule.levels[level]}`;
  return (
    <section class="stack">
      <div class="controls">
        {chooser}
        <Slider
          label="Shown, best first"
          min={1}
          max={all}
          value={visible}
          onInput={(next) => (shown.value = next)}
        />
        <Slider
          label="Side that belongs to level 4"
          min={14}
          max={448}
          step={14}
          value={side.value}
          text={`${side.value} px${side.value === CANONICAL_SIDE ? ", as the run's" : ''}`}
          onInput={(next) => (side.value = next)}
        />
        <Slider
          label="One of them"
          min={0}
          max={all - 1}
          value={at}
          text={`№ ${at}`}
          onInput={(next) => (one.value = next)}
        />
      </div>
      <PictureOverlay
        run={run}
        name={`The picture with ${visible} ${source.value}, coloured by level`}
        dim
        boxes={[
          ...Array.from({ length: visible }, (_, i) => ({
            box: toPicture(run.info, boxOf(i)),
            colour: cssColour(levels[i]!),
            key: i,
          })),
          {
            box: toPicture(run.info, boxOf(at)),
            colour: cssColour(levels[at]!),
            strong: true,
            fill: 0.25,
            label: name(levels[at]!),
            key: 'one',
          },
        ]}
      />
      <p class="formula" role="status" data-level={rule.levels[levels[at]!]}>
        № {at}: √({short(w)} × {short(h)}) = {short(Math.sqrt(w * h))} px; ⌊ 4 + log₂(
        {short(Math.sqrt(w * h))} / {side.value}) ⌋ = ⌊ {short(4 + octave)} ⌋ ={' '}
        {short(Math.floor(4 + octave + 1e-6))} → <b>{name(levels[at]!)}</b>
      </p>
      <Scroll name="Levels">
        <table>
          <caption>
            All {all.toLocaleString('en')} {source.value} by level
          </caption>
          <thead>
            <tr>
              <th scope="col">Level</th>
              <th scope="col" class="number">
                √(w h) from
              </th>
              <th scope="col" class="number">
                Regions
              </th>
            </tr>
          </thead>
          <tbody>
            {rule.levels.map((level, i) => (
              <tr key={level} class={i === levels[at] ? 'chosen' : ''}>
                <th scope="row">
                  <span class="swatch" style={{ background: cssColour(i) }} /> P{level}
                </th>
                <td class="number">{i === 0 ? '0' : short(Math.sqrt(rule.cuts[i - 1]!))} px</td>
                <td class="number" data-count={level}>
                  {levels.filter((found) => found === i).length.toLocaleString('en')}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </section>
  );
}

export const chapter: Chapter = { Text, View };
