// The few controls that all chapters use, labelled.

import type { ComponentChildren } from 'preact';
import { SCALES, type ScaleName } from '../logic/colour_scale';
import './controls.css';

interface SliderProps {
  label: string;
  min: number;
  max: number;
  step?: number;
  value: number;
  /** How the value reads. */
  text?: string;
  onInput: (value: number) => void;
}

export function Slider({ label, min, max, step = 1, value, text = String(value), onInput }: SliderProps) {
  return (
    <label class="field slider">
      <span>
        {label} <b>{text}</b>
      </span>
      <input
        type="range"
        min={min}
        max={max}
        step={step}
        value={value}
        aria-valuetext={text}
        onInput={({ currentTarget }) => onInput(currentTarget.valueAsNumber)}
      />
    </label>
  );
}

interface ChoicesProps<T extends string | number> {
  /** What is chosen. */
  label: string;
  options: readonly (readonly [value: T, name: ComponentChildren])[];
  value: T;
  onChange: (value: T) => void;
}

/** A few options side by side, of which one is chosen. */
export function Choices<T extends string | number>({ label, options, value, onChange }: ChoicesProps<T>) {
  return (
    <fieldset class="choices">
      <legend>{label}</legend>
      {options.map(([option, name]) => (
        <button key={option} type="button" aria-pressed={option === value} onClick={() => onChange(option)}>
          {name}
        </button>
      ))}
    </fieldset>
  );
}

const SCALE_NAMES = SCALES.map((name) => [name, name] as const);

/** The scale of a map's colours. */
export function ScaleChoices(of: { value: ScaleName; onChange: (value: ScaleName) => void }) {
  return <Choices label="Colours" options={SCALE_NAMES} {...of} />;
}

interface SelectProps<T extends string | number> {
  label: string;
  options: readonly (readonly [value: T, name: string])[];
  value: T;
  onChange: (value: T) => void;
}

/** One of many. */
export function Select<T extends string | number>({ label, options, value, onChange }: SelectProps<T>) {
  return (
    <label class="field">
      <span>{label}</span>
      <select
        value={String(value)}
        onChange={({ currentTarget }) => onChange(options[currentTarget.selectedIndex]![0])}
      >
        {options.map(([option, name]) => (
          <option key={option} value={String(option)}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}
