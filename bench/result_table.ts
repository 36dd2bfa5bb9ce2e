// The table of results: sorts by any column, and a row can be chosen by pointer or arrow keys.

import type { Comparison } from './compare';
import type { Result } from './report';
import { digits, verdict } from './text';

interface Column {
  title: string;
  /** What stands in the cell, and what it is sorted by. */
  value(result: Result): string | number | undefined;
  /** A bar as long as so many percent. */
  bar?: boolean;
  hint?: string;
}

const COLUMNS: Column[] = [
  { title: 'what', value: ({ label }) => label },
  { title: 'kernel', value: ({ kernel }) => kernel },
  { title: 'part', value: ({ part }) => part },
  { title: 'times', value: ({ times }) => times, hint: 'How often the model does it for a picture' },
  { title: 'p50 ms', value: ({ ms }) => ms.p50 },
  { title: 'p95 ms', value: ({ ms }) => ms.p95 },
  {
    title: 'spread %',
    value: ({ ms }) => ms.spread,
    hint: 'From the 5th to the 95th percentile, of the median',
  },
  { title: 'GFLOP/s', value: ({ gflops }) => gflops || undefined },
  { title: 'GB/s', value: ({ gbs }) => gbs || undefined },
  { title: 'FLOP/B', value: ({ intensity }) => intensity || undefined },
  { title: '% of roofline', value: ({ ofRoofline }) => ofRoofline, bar: true },
  { title: '% of best', value: ({ ofBest }) => ofBest, hint: 'Of the fastest variant for the same problem' },
  {
    title: 'error',
    value: ({ error }) => error?.relative,
    hint: "Largest, over the reference's largest value",
  },
];

export class ResultTable {
  private results: readonly Result[] = [];
  private comparisons = new Map<string, Comparison>();
  private sorting: { column: number; descending: boolean } | undefined;
  private chosen: Result | undefined;

  constructor(
    private readonly table: HTMLTableElement,
    private readonly onChoose: (result: Result) => void,
  ) {
    table.addEventListener('keydown', (event) => this.key(event));
  }

  show(results: readonly Result[], comparisons: readonly Comparison[]): void {
    this.results = results;
    this.comparisons = new Map(comparisons.map((comparison) => [comparison.id, comparison]));
    this.render();
  }

  /** Marks a result's row and brings it into view. */
  choose(result: Result): void {
    this.chosen = result;
    this.render();
    this.table.querySelector('tr[aria-selected="true"]')?.scrollIntoView({ block: 'nearest' });
  }

  private columns(): Column[] {
    if (!this.comparisons.size) return COLUMNS;
    const compared = ({ id }: Result): Comparison | undefined => this.comparisons.get(id);
    const word = (result: Result): string => {
      const found = compared(result);
      return found ? verdict(found.ratio, found.certain) : '';
    };
    return [
      ...COLUMNS.slice(0, 5),
      { title: 'was ms', value: (result) => compared(result)?.before, hint: 'In the first report' },
      {
        title: 'ratio',
        value: (result) => compared(result)?.ratio,
        hint: 'First report over second: above 1 is faster',
      },
      { title: 'beyond spread', value: word },
      ...COLUMNS.slice(5),
    ];
  }

  private sorted(columns: Column[]): Result[] {
    const { column = -1, descending = false } = this.sorting ?? {};
    const by = columns[column];
    if (!by) return [...this.results];
    const order = (a: Result, b: Result): number => {
      const [x, y] = [by.value(a), by.value(b)];
      if (x === undefined || y === undefined) return Number(x === undefined) - Number(y === undefined);
      const ascending = typeof x === 'number' ? x - (y as number) : x.localeCompare(String(y));
      return descending ? -ascending : ascending;
    };
    return [...this.results].sort(order);
  }

  private render(): void {
    const columns = this.columns();
    const head = document.createElement('tr');
    head.append(...columns.map((column, i) => this.heading(column, i)));
    const thead = document.createElement('thead');
    thead.append(head);
    const body = document.createElement('tbody');
    const results = this.sorted(columns);
    body.append(...results.map((result, i) => this.row(result, columns, i === 0)));
    const focused = this.table.contains(document.activeElement)
      ? this.place(document.activeElement)
      : undefined;
    this.table.replaceChildren(thead, body);
    if (focused) this.table.querySelector<HTMLElement>(focused)?.focus();
  }

  /** A selector for what has the focus, so that it stays there when all is made anew. */
  private place(element: Element | null): string {
    const heading = element?.closest('th');
    return heading ? `th:nth-child(${heading.cellIndex + 1}) button` : 'tr[aria-selected="true"]';
  }

  private heading({ title, hint }: Column, i: number): HTMLElement {
    const [th, button] = [document.createElement('th'), document.createElement('button')];
    const active = this.sorting?.column === i;
    button.type = 'button';
    button.textContent = title;
    if (hint) button.title = hint;
    th.setAttribute('aria-sort', active ? (this.sorting!.descending ? 'descending' : 'ascending') : 'none');
    button.addEventListener('click', () => {
      this.sorting = { column: i, descending: active ? !this.sorting!.descending : i > 2 };
      this.render();
    });
    th.append(button);
    return th;
  }

  private row(result: Result, columns: Column[], first: boolean): HTMLTableRowElement {
    const tr = document.createElement('tr');
    const chosen = result === this.chosen;
    tr.tabIndex = chosen || (first && !this.results.includes(this.chosen!)) ? 0 : -1;
    tr.setAttribute('aria-selected', String(chosen));
    for (const { title, value, bar } of columns) {
      const td = tr.insertCell();
      const content = value(result);
      if (typeof content !== 'string') td.className = 'number';
      td.textContent =
        typeof content === 'string'
          ? content
          : (title === 'error' ? tiny : title === 'times' ? String : digits)(content);
      if (bar && typeof content === 'number') td.style.setProperty('--part', `${Math.min(100, content)}%`);
      if (title === 'beyond spread') td.className = String(content);
    }
    tr.addEventListener('click', () => this.onChoose(result));
    return tr;
  }

  private key(event: KeyboardEvent): void {
    const row = (event.target as Element).closest<HTMLTableRowElement>('tbody tr');
    const step = { ArrowDown: 1, ArrowUp: -1, Enter: 0, ' ': 0 }[event.key];
    if (!row || step === undefined) return;
    event.preventDefault();
    const results = this.sorted(this.columns());
    const next = results[row.sectionRowIndex + step];
    if (!next) return;
    this.onChoose(next);
    this.table.querySelector<HTMLElement>('tr[aria-selected="true"]')?.focus();
  }
}

function tiny(error: number | undefined): string {
  if (error === undefined) return '-';
  return error === 0 ? '0' : error.toExponential(1);
}
