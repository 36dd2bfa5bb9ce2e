// Light or dark: as the system has it, until the visitor chooses. index.html and explore.html set it before painting.

import { signal } from '@preact/signals';

export type Theme = 'system' | 'light' | 'dark';

const ORDER: readonly Theme[] = ['system', 'light', 'dark'];

export const theme = signal<Theme>(stored());

/** The next of system, light and dark; kept for the next visit. */
export function nextTheme(): void {
  theme.value = ORDER[(ORDER.indexOf(theme.value) + 1) % ORDER.length]!;
  document.documentElement.dataset.theme = theme.value;
  localStorage.setItem('theme', theme.value);
}

function stored(): Theme {
  const kept = localStorage.getItem('theme') as Theme | null;
  return kept && ORDER.includes(kept) ? kept : 'system';
}
