// What was found: how many of each class, filters that act at once, and the list, which points into the picture.

import { useEffect, useRef } from 'preact/hooks';
import { countByClass, type Instance, titleOf } from './instances';
import { LAYERS, type ShownLayer } from './settings_url';
import { toggle } from './stage';
import { engine, hovered, instances, likely, result, selected, set, settings, visible } from './state';

export function Headline() {
  const count = visible.value.length;
  const [only, ...others] = countByClass(visible.value);
  const noun = only && others.length === 0 ? only[0] : count === 1 ? 'object' : 'objects';
  return (
    <p class="headline" aria-live="polite">
      <output id="count">{result.value ? count : '–'}</output> {plural(noun, count)}
    </p>
  );
}

export function Filters() {
  const { score, layers, hidden, colourBy } = settings.value;
  const jointed = instances.value.some(({ detection }) => detection.keypoints);
  const classes = countByClass(likely.value);
  const least = engine.model.value?.scoreThreshold ?? 0.05;
  const show = (layer: ShownLayer, on: boolean) =>
    set({ layers: LAYERS.filter((name) => (name === layer ? on : layers.includes(name))) });
  const hide = (name: string, on: boolean) =>
    set({ hidden: on ? hidden.filter((other) => other !== name) : [...hidden, name] });
  return (
    <>
      <label class="field">
        <span>
          Score at least <b>{score.toFixed(2)}</b>
        </span>
        <input
          id="score"
          type="range"
          min={Math.floor(100 * least) / 100}
          max="0.99"
          step="0.01"
          value={score}
          onInput={(event) => set({ score: event.currentTarget.valueAsNumber })}
        />
      </label>
      <fieldset class="checks">
        <legend class="hidden-visually">Show</legend>
        {LAYERS.filter((layer) => layer !== 'keypoints' || jointed).map((layer) => (
          <label key={layer} class="check">
            <input
              type="checkbox"
              checked={layers.includes(layer)}
              onChange={(event) => show(layer, event.currentTarget.checked)}
            />
            {layer}
          </label>
        ))}
        <label class="check">
          <input
            type="checkbox"
            checked={colourBy === 'class'}
            onChange={(event) => set({ colourBy: event.currentTarget.checked ? 'class' : 'instance' })}
          />
          colours by class
        </label>
      </fieldset>
      {(classes.length > 1 || hidden.length > 0) && (
        <fieldset class="checks" id="classes">
          <legend class="hidden-visually">Classes</legend>
          {classes.map(([name, count]) => (
            <label key={name} class="check chip">
              <input
                type="checkbox"
                checked={!hidden.includes(name)}
                onChange={(event) => hide(name, event.currentTarget.checked)}
              />
              {name} <b>{count}</b>
            </label>
          ))}
        </fieldset>
      )}
    </>
  );
}

export function InstanceList() {
  return (
    <ul class="instances" id="instances" aria-label="Objects">
      {visible.value.map((instance) => (
        <Row key={instance.id} instance={instance} />
      ))}
    </ul>
  );
}

function Row({ instance }: { instance: Instance }) {
  const { id, colour, detection, found } = instance;
  const row = useRef<HTMLLIElement>(null);
  const on = hovered.value === id;
  useEffect(() => {
    const list = row.current!.parentElement!;
    if (!on || list.matches(':hover') || list.contains(document.activeElement)) return;
    list.scrollTop = row.current!.offsetTop - list.clientHeight / 2; // pointed at in the picture
  }, [on]);
  const point = () => {
    hovered.value = id;
  };
  const leave = () => {
    if (hovered.value === id) hovered.value = undefined;
  };
  return (
    <li ref={row}>
      <button
        type="button"
        class={on ? 'pointed' : ''}
        aria-pressed={selected.value.has(id)}
        onPointerEnter={point}
        onPointerLeave={leave}
        onFocus={point}
        onBlur={leave}
        onClick={() => toggle(instance)}
      >
        <i style={{ background: `rgb(${colour})` }} />
        <span class="name">{titleOf(instance)}</span>
        {found && <span class="faint">{found.area.toLocaleString('en')} px</span>}
        <span>{detection.score.toFixed(2)}</span>
      </button>
    </li>
  );
}

function plural(noun: string, count: number): string {
  if (count === 1 || noun === 'objects') return noun;
  if (noun === 'nucleus') return 'nuclei';
  if (noun === 'person') return 'people';
  return /(s|sh|ch|x)$/.test(noun) ? `${noun}es` : `${noun}s`;
}
