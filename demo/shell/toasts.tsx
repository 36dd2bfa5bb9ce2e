// Messages that come and stay until they are closed (faults) or for a while (news). Read out by screen readers.

import { signal } from '@preact/signals';

interface Toast {
  id: number;
  text: string;
  fault: boolean;
}

const NEWS_MS = 8000;
const MOST = 4;

const toasts = signal<readonly Toast[]>([]);
let last = 0;

/** Says what went well, or what happened by itself. */
export function tell(text: string): void {
  const id = add(text, false);
  setTimeout(() => close(id), NEWS_MS);
}

/** Says what went wrong, in the error's own words. What was cancelled on purpose is no fault. */
export function tellFault(error: unknown): void {
  if ((error as Partial<Error> | null)?.name === 'AbortError') return;
  add(error instanceof Error ? error.message : String(error), true);
}

/** Closes all faults: what they told of has been mended, or something else is done now. */
export function clearFaults(): void {
  toasts.value = toasts.value.filter(({ fault }) => !fault);
}

function add(text: string, fault: boolean): number {
  const id = ++last;
  const others = toasts.value.filter((toast) => toast.text !== text);
  toasts.value = [...others, { id, text, fault }].slice(-MOST);
  return id;
}

function close(id: number): void {
  toasts.value = toasts.value.filter((toast) => toast.id !== id);
}

export function Toasts() {
  return (
    <>
      {toasts.value.map(({ id, text, fault }) => (
        <div key={id} class={`toast ${fault ? 'fault' : ''}`} role={fault ? 'alert' : 'status'}>
          <p>{text}</p>
          <button type="button" class="plain" aria-label="Close this message" onClick={() => close(id)}>
            ✕
          </button>
        </div>
      ))}
    </>
  );
}
