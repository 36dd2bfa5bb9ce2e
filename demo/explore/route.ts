// Which chapter is open: the address's part after #. `#/3` is a chapter, `#/free` the free mode.

import { signal } from '@preact/signals';

/** The chapter's id; that of the first where the address names none. */
export const route = signal(read());

addEventListener('hashchange', () => {
  route.value = read();
});

function read(): string {
  return /^#\/(\w+)/.exec(location.hash)?.[1] ?? '1';
}

/** A setting of the page's address, before the #. */
export function setting(name: string): string | undefined {
  return new URLSearchParams(location.search).get(name) ?? undefined;
}

/** Writes settings into the address, without a step in the history. undefined removes. */
export function keepSettings(settings: Record<string, string | undefined>): void {
  const url = new URL(location.href);
  for (const [name, value] of Object.entries(settings)) {
    if (value === undefined) url.searchParams.delete(name);
    else url.searchParams.set(name, value);
  }
  history.replaceState(null, '', url);
}
