// The whole network again with ROI Pool in place of ROIAlign: the chosen object's two masks, and all objects' in figures.

import { useSignal } from '@preact/signals';
import type { ChangedRun } from '../../engine/changed_run';
import type { FoundObject } from '../../engine/explore_run';

import { tellFault } from '../../shell/toasts';
import { compareMasks, compareRuns, counterpart } from '../logic/mask_pairs';
import { percent, short } from '../logic/numbers';
import type { Run } from '../run';
import { BOTH, FIRST, Key, MaskDifference, SECOND } from './mask_difference';

/** Objects below it are left out of the figures. */
const SURE = 0.5;

export function PoolingComparison({ run, index }: { run: Run; index: number }) {
  const pooled = useSignal<ChangedRun | undefined>(undefined);
  const again = async () => {
    const outcome = await run.changed('Running again with ROI Pool', { config: { roiPooling: 'pool' } });
    if ('found' in outcome) pooled.value = outcome;
  };
  return (
    <section class="stack" aria-label="With ROI Pool in both heads">
      <h2>The same network with ROI Pool</h2>
      {pooled.value ? (
        <Difference run={run} index={index} other={pooled.value} />
      ) : (
        <p>
          <button type="button" class="primary" onClick={() => again().catch(tellFault)}>
            Run again with ROI Pool
          </button>
        </p>
      )}
    </section>
  );
}

function Difference({ run, index, other }: { run: Run; index: number; other: ChangedRun }) {
  const { found } = run.info;
  const sure = ({ score }: FoundObject) => score >= SURE;
  const { first, second, pairs, meanMaskIou, largestShift } = compareRuns(
    found.filter(sure),
    other.found.filter(sure),
  );

  const object = found[index]!;
  const twin = other.found[counterpart(object, other.found)];
  const difference = object.mask && twin?.mask && compareMasks(object.mask, twin.mask);
  return (
    <>
      <table>
        <caption>Objects with a score of at least {SURE}, of both runs</caption>
        <tbody>
          <Row name="Found with ROIAlign" value={first} />
          <Row name="Found with ROI Pool" value={second} />
          <Row name="Found by both (box IoU of at least 0.5)" value={pairs} />
          {meanMaskIou !== undefined && (
            <Row name="Their masks' mean IoU" value={meanMaskIou} text={short(meanMaskIou)} />
          )}
          {largestShift !== undefined && (
            <Row
              name="Largest move of a box's side"
              value={largestShift}
              text={`${short(largestShift)} px`}
            />
          )}
        </tbody>
      </table>
      {difference && twin.mask ? (
        <div class="pair">
          <MaskDifference
            run={run}
            box={object.box}
            first={object.mask!}
            second={twin.mask}
            name="The object's masks by ROIAlign and by ROI Pool, over the picture"
          />
          <div>
            <p>
              This object: score {object.score.toFixed(3)} with ROIAlign, {twin.score.toFixed(3)} with ROI
              Pool; mask IoU <b data-value={difference.iou}>{percent(difference.iou)}</b>.
            </p>
            <Key
              entries={[
                [BOTH, `${difference.both} pixels in both masks`],
                [FIRST, `${difference.onlyFirst} with ROIAlign only`],
                [SECOND, `${difference.onlySecond} with ROI Pool only`],
              ]}
            />
          </div>
        </div>
      ) : (
        <p>{twin ? 'This model has no masks.' : 'With ROI Pool, this object is not found.'}</p>
      )}
    </>
  );
}

function Row({ name, value, text = String(value) }: { name: string; value: number; text?: string }) {
  return (
    <tr>
      <th scope="row">{name}</th>
      <td class="number" data-value={value}>
        {text}
      </td>
    </tr>
  );
}
