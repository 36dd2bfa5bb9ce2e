// Chapter 4: the feature pyramid. On every level the lateral, what comes down, their sum, and the output.

import { useSignal } from '@preact/signals';
import type { Chapter } from '../chapter';
import type { ScaleName } from '../logic/colour_scale';
import { pyramidSteps, thinnedLevel } from '../logic/pyramid';
import type { Run } from '../run';
import { chosenChannel } from '../selection';
import { Cite } from '../views/cite';
import { ScaleChoices, Slider } from '../views/controls';
import { PyramidLevel, ThinnedLevelView } from '../views/pyramid_level';
import { usePlayer } from '../views/use_player';

function Text() {
  return (
    <>
      <p>
        Coarse maps know <i>what</i>, fine maps know <i>where</i>. The feature pyramid (
        <Cite who="Lin et al." year={2016} id="1612.03144" />) gives the fine ones both. Each stage of the
        backbone passes a 1×1 convolution, the <b>lateral</b>, that brings all of them to the same number of
        channels. From the top down, the sum of the level above is doubled in size by repeating each cell, and{' '}
        <b>added</b>. A 3×3 convolution then smooths what the repetition left of steps: that is the level's{' '}
        <b>output</b>, which the heads read.
      </p>
      <p>
        Point at any map: the same place is framed on all of them, and below each level stand the three
        numbers of the addition. Slide or play to let what comes down fade in; look for channels where a
        blurred object from above gains its edges from the lateral. The coarsest level has nothing above it;
        one more is only every second cell of its output.
      </p>
    </>
  );
}

function View({ run }: { run: Run }) {
  const scale = useSignal<ScaleName>('diverging');
  const share = useSignal(1);
  const player = usePlayer((step) => {
    share.value = (step % 41) / 40;
  }, 60);
  const steps = pyramidSteps(run.info);
  const thinned = thinnedLevel(run.info);
  const channels = steps[0]!.output.outputs[0]!.shape[3]!;
  const channel = Math.min(chosenChannel.value, channels - 1);
  return (
    <section class="stack">
      <div class="controls">
        <Slider
          label="Channel"
          min={0}
          max={channels - 1}
          value={channel}
          onInput={(next) => {
            chosenChannel.value = next;
          }}
        />
        <Slider
          label="Of what comes down, added"
          min={0}
          max={1}
          step={0.025}
          value={share.value}
          text={`${Math.round(100 * share.value)} %`}
          onInput={(next) => {
            player.stop();
            share.value = next;
          }}
        />
        <button type="button" aria-pressed={player.playing} onClick={player.toggle}>
          {player.playing ? 'Pause' : 'Play'}
        </button>
        <ScaleChoices value={scale.value} onChange={(next) => (scale.value = next)} />
      </div>
      {thinned && <ThinnedLevelView run={run} level={thinned} channel={channel} scale={scale.value} />}
      {steps.map((step) => (
        <PyramidLevel
          key={step.name}
          run={run}
          step={step}
          channel={channel}
          scale={scale.value}
          share={share.value}
        />
      ))}
    </section>
  );
}

export const chapter: Chapter = {
  Text,
  View,
  wide: true,
  lack: (info) =>
    pyramidSteps(info).length > 0
      ? undefined
      : 'This model has one map of features and no pyramid: choose another, as the one for cell nuclei.',
};
