// The page Explore: the architecture, taught on the visitor's own picture with live data. Chapters, one after the
// other, or the free mode; all look at the same run.

import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { mount } from '../shell/shell';
import { tellFault } from '../shell/toasts';
import { Bench } from './bench';
import type { Chapter, ChapterRow } from './chapter';
import { CHAPTERS } from './chapters';
import './explore.css';
import { route } from './route';
import { run } from './run';

function Explore() {
  const at = Math.max(
    0,
    CHAPTERS.findIndex(({ id }) => id === route.value),
  );
  const row = CHAPTERS[at]!;
  useChapterKeys(CHAPTERS[at - 1], CHAPTERS[at + 1]);
  return (
    <>
      <Bench />
      <div class="explore">
        <Contents open={row.id} />
        <Page key={row.id} row={row} before={CHAPTERS[at - 1]} after={CHAPTERS[at + 1]} />
      </div>
    </>
  );
}

function Contents({ open }: { open: string }) {
  const list = useRef<HTMLElement>(null);
  useEffect(() => {
    // where the list is a strip, the open chapter into its middle
    const { clientWidth } = list.current!;
    const link = list.current!.querySelector<HTMLElement>('[aria-current]')!;
    list.current!.scrollLeft = link.offsetLeft + (link.offsetWidth - clientWidth) / 2;
  }, [open]);
  return (
    <nav class="contents" aria-label="Chapters" ref={list}>
      <ol>
        {CHAPTERS.map(({ id, title }) => (
          <li key={id}>
            <a href={`#/${id}`} aria-current={id === open ? 'page' : undefined}>
              <span class="chapter-number">{Number(id) ? id : '∗'}</span> {title}
            </a>
          </li>
        ))}
      </ol>
    </nav>
  );
}

interface PageProps {
  row: ChapterRow;
  before: ChapterRow | undefined;
  after: ChapterRow | undefined;
}

/** What makes a view new: a number for every run. */
const runKeys = new WeakMap<object, number>();
let runs = 0;

function keyOf(of: object): number {
  const key = runKeys.get(of) ?? ++runs;
  runKeys.set(of, key);
  return key;
}

function Page({ row, before, after }: PageProps) {
  const chapter = useSignal<Chapter | undefined>(undefined);
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    row.load().then((found) => {
      chapter.value = found.chapter;
    }, tellFault);
    if (document.activeElement?.closest('.contents, .turn')) heading.current?.focus();
  }, []);
  const { Text, View, lack, wide } = chapter.value ?? {};
  const shown = run.value;
  const missing = shown && lack?.(shown.info);
  return (
    <article class={`chapter ${wide ? 'wide' : ''}`}>
      <div class="chapter-text">
        <h1 ref={heading} tabIndex={-1}>
          {row.title}
        </h1>
        <div class="prose">{Text && <Text info={shown?.info} />}</div>
        <p class="turn row">
          {before && <a class="button" href={`#/${before.id}`}>{`← ${before.title}`}</a>}
          {after && <a class="button" href={`#/${after.id}`}>{`${after.title} →`}</a>}
        </p>
      </div>
      <div class="chapter-view">
        {!shown && <p class="waiting faint">The view comes with the first run.</p>}
        {missing && <p class="card">{missing}</p>}
        {View && shown && !missing && <View key={keyOf(shown)} run={shown} />}
      </div>
    </article>
  );
}

/** The arrow keys turn pages, unless something has the focus that they mean something to. */
function useChapterKeys(before: ChapterRow | undefined, after: ChapterRow | undefined): void {
  useEffect(() => {
    const turn = (event: KeyboardEvent) => {
      const to = { ArrowLeft: before, ArrowRight: after }[event.key];
      const { target, altKey, ctrlKey, metaKey, shiftKey } = event;
      if (!to || event.defaultPrevented || altKey || ctrlKey || metaKey || shiftKey) return;
      if ((target as Element).closest('input, select, textarea, [tabindex="0"], [contenteditable]')) return;
      location.hash = `#/${to.id}`;
    };
    addEventListener('keydown', turn);
    return () => removeEventListener('keydown', turn);
  }, [before, after]);
}

mount('explore', Explore);
