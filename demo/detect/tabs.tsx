// Tabs, as the ARIA Authoring Practices describe them: one is in the order of Tab, arrow keys go between them.

import { useSignal } from '@preact/signals';
import type { ComponentType } from 'preact';

export interface Tab {
  id: string;
  title: string;
  Panel: ComponentType;
}

export function Tabs({ tabs, label }: { tabs: readonly Tab[]; label: string }) {
  const chosen = useSignal(tabs[0]!.id);
  const at = Math.max(
    0,
    tabs.findIndex(({ id }) => id === chosen.value),
  );
  const { id: shown, Panel } = tabs[at]!;
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    chosen.value = tabs[(at + step + tabs.length) % tabs.length]!.id;
    document.getElementById(`tab-${chosen.value}`)?.focus();
  };
  return (
    <div class="tabs">
      <div role="tablist" aria-label={label} onKeyDown={onKeyDown}>
        {tabs.map(({ id, title }) => (
          <button
            key={id}
            type="button"
            role="tab"
            id={`tab-${id}`}
            aria-selected={id === shown}
            aria-controls={id === shown ? `panel-${id}` : undefined}
            tabIndex={id === shown ? 0 : -1}
            onClick={() => {
              chosen.value = id;
            }}
          >
            {title}
          </button>
        ))}
      </div>
      <div role="tabpanel" id={`panel-${shown}`} aria-labelledby={`tab-${shown}`} class="panel">
        <Panel />
      </div>
    </div>
  );
}
