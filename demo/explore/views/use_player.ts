// Plays steps one after the other, until it is stopped or the view is gone.

import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';

export interface Player {
  readonly playing: boolean;
  toggle(): void;
  stop(): void;
}

/** Calls `step` with 1, 2, … every `ms` milliseconds while playing; it stops when `step` returns false. */
export function usePlayer(step: (count: number) => unknown, ms: number): Player {
  const playing = useSignal(false);
  const latest = useRef(step);
  latest.current = step;
  useEffect(() => {
    if (!playing.value) return undefined;
    let count = 0;
    const timer = setInterval(() => {
      if (latest.current(++count) === false) playing.value = false;
    }, ms);
    return () => clearInterval(timer);
  }, [playing.value, ms]);
  return {
    playing: playing.value,
    toggle: () => {
      playing.value = !playing.value;
    },
    stop: () => {
      playing.value = false;
    },
  };
}
