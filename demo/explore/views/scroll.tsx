// What may be wider than the page, as tables on a phone: scrolls by itself, with keys too.

import type { ComponentChildren } from 'preact';

export function Scroll({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be scrolled with keys
    <section class="scroll" tabIndex={0} aria-label={name}>
      {children}
    </section>
  );
}
