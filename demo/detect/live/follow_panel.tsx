// The controls of a live source, and what was counted: objects so far, and those that crossed the line.

import { live, set, settings } from '../state';
import { countAnew, counted, keepFrame, pause, paused, position, rate, seek } from './live';

const VERTICAL = [0.5, 0.05, 0.5, 0.95] as const;
const HORIZONTAL = [0.05, 0.5, 0.95, 0.5] as const;

export function FollowPanel() {
  const { at, length } = position.value;
  const { crossed, tracks, frames } = counted.value;
  const camera = live.value === 'camera';
  return (
    <>
      <div class="row">
        <button type="button" onClick={() => pause(!paused.value)}>
          {paused.value ? 'Go on' : 'Pause'}
        </button>
        <button type="button" class={camera ? 'primary' : ''} onClick={keepFrame}>
          {camera ? 'Take the picture' : 'Keep this frame'}
        </button>
        <span class="small faint">{rate.value.toFixed(1)} frames a second</span>
      </div>
      {!camera && (
        <>
          <label class="field">
            <span>
              Place{' '}
              <b>
                {at.toFixed(2)} of {length.toFixed(2)} s
              </b>
            </span>
            <input
              type="range"
              min="0"
              max={length}
              step="0.01"
              value={at}
              onChange={(event) => seek(event.currentTarget.valueAsNumber)}
            />
          </label>
          <label class="check">
            <input
              type="checkbox"
              checked={settings.value.everyFrame}
              onChange={({ currentTarget }) => set({ everyFrame: currentTarget.checked })}
            />
            every frame, however long it takes
          </label>
        </>
      )}
      <fieldset class="tool">
        <legend>Counting line</legend>
        <div class="row">
          <button type="button" onClick={() => draw(VERTICAL)}>
            Upright
          </button>
          <button type="button" onClick={() => draw(HORIZONTAL)}>
            Level
          </button>
          <button type="button" disabled={!settings.value.line} onClick={() => draw(undefined)}>
            None
          </button>
        </div>
        {settings.value.line && (
          <p class="small faint">Drag its ends in the picture, or move them with the arrow keys.</p>
        )}
      </fieldset>
      <p>
        <b id="tracks">{tracks}</b> {tracks === 1 ? 'object' : 'objects'} so far, in{' '}
        <b id="frames">{frames}</b> {frames === 1 ? 'frame' : 'frames'}
      </p>
      {settings.value.line && (
        <table>
          <caption class="hidden-visually">Objects that crossed the line, as seen from its first end</caption>
          <thead>
            <tr>
              <th>crossed the line</th>
              <th class="number">to the left</th>
              <th class="number">to the right</th>
            </tr>
          </thead>
          <tbody id="crossed">
            {crossed.length === 0 && (
              <tr>
                <td class="faint">none yet</td>
                <td class="number">0</td>
                <td class="number">0</td>
              </tr>
            )}
            {crossed.map(([name, left, right]) => (
              <tr key={name}>
                <td>{name}</td>
                <td class="number">{left}</td>
                <td class="number">{right}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <button type="button" class="plain" onClick={countAnew}>
        Count anew
      </button>
    </>
  );
}

function draw(line: typeof VERTICAL | typeof HORIZONTAL | undefined): void {
  set({ line });
  countAnew();
}
