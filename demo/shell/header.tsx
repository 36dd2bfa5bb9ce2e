// The header of both pages: where one is, and light or dark.

import { nextTheme, theme } from './theme';

export type Page = 'detect' | 'explore';

const PAGES: readonly [page: Page, address: string, name: string][] = [
  ['detect', './index.html', 'Detect'],
  ['explore', './explore.html', 'Explore'],
];
const ICONS = { system: '◐', light: '☀', dark: '☾' };

/** The address keeps its settings, which stand where a link within the page would go. */
function skipTo(event: Event, page: Page): void {
  event.preventDefault();
  document.getElementById(page)!.focus();
}

export function Header({ page }: { page: Page }) {
  return (
    <header class="site">
      <a class="skip" href={`#${page}`} onClick={(event) => skipTo(event, page)}>
        Skip to the content
      </a>
      <a class="brand" href="./index.html">
        maskrcnn-webgpu
      </a>
      <nav aria-label="Pages">
        {PAGES.map(([name, address, title]) => (
          <a key={name} href={address} aria-current={name === page ? 'page' : undefined}>
            {title}
          </a>
        ))}
      </nav>
      <button type="button" class="theme plain" onClick={nextTheme}>
        <span aria-hidden="true">{ICONS[theme.value]}</span>
        <span class="hidden-visually">Colours: </span>
        {theme.value}
      </button>
    </header>
  );
}
