// The frame around a page: header, toasts, and a helpful page instead of the content where there is no WebGPU.

import { signal } from '@preact/signals';
import { type ComponentType, render } from 'preact';
import { Header, type Page } from './header';
import { NoWebGpu } from './no_webgpu';
import { Toasts, tellFault } from './toasts';

/** Why there is no WebGPU here; undefined while it is there, as far as is known. */
export const lack = signal<string | undefined>(
  'gpu' in navigator && navigator.gpu ? undefined : 'the browser does not offer it (navigator.gpu).',
);

/** Fills the page's header, toasts and `<main>`. Faults that nobody has caught are told. */
export function mount(page: Page, Content: ComponentType): void {
  const Main = () => (lack.value === undefined ? <Content /> : <NoWebGpu reason={lack.value} />);
  render(<Header page={page} />, element('header'));
  render(<Toasts />, element('toasts'));
  const main = element(page);
  main.replaceChildren();
  render(<Main />, main);
  window.addEventListener('unhandledrejection', ({ reason }) => tellFault(reason));
}

function element(id: string): HTMLElement {
  return document.getElementById(id)!;
}
