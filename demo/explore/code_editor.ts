// An editor for WGSL: CodeMirror 6, loaded when it is needed. Faults stand behind the line that they are of.

import { HighlightStyle, StreamLanguage, syntaxHighlighting } from '@codemirror/language';
import { rust } from '@codemirror/legacy-modes/mode/rust'; // the nearest of its kind: fn, let, var, types, @attributes
import { EditorState, Prec, StateEffect, StateField } from '@codemirror/state';
import { Decoration, type DecorationSet, EditorView, keymap, WidgetType } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import { basicSetup } from 'codemirror';
import type { ShaderFault } from '../../src/index';

export interface CodeEditor {
  readonly text: string;
  /** Replaces all of the text. */
  setText(text: string): void;
  /** Shows faults behind their lines, and brings the first into view. */
  showFaults(faults: readonly ShaderFault[]): void;
  destroy(): void;
}

const faultsChanged = StateEffect.define<readonly ShaderFault[]>();

class FaultText extends WidgetType {
  constructor(private readonly message: string) {
    super();
  }

  override eq(other: FaultText): boolean {
    return other.message === this.message;
  }

  toDOM(): HTMLElement {
    const element = document.createElement('span');
    element.className = 'fault-text';
    element.textContent = ` ← ${this.message}`;
    return element;
  }
}

/** The marks of faults; they move with the text, and go when there are new ones. */
const faultMarks = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(marks, { effects, changes, state }) {
    const faults = effects.find((effect) => effect.is(faultsChanged))?.value as ShaderFault[] | undefined;
    if (!faults) return marks.map(changes);
    const placed = faults.flatMap(({ line, message }) => {
      if (line === undefined || line > state.doc.lines) return [];
      const { from, to } = state.doc.line(line);
      const text = Decoration.widget({ widget: new FaultText(message), side: 1 }).range(to);
      return [Decoration.line({ class: 'fault-line' }).range(from), text];
    });
    return Decoration.set(placed, true);
  },
  provide: (field) => EditorView.decorations.from(field),
});

const colours = HighlightStyle.define([
  { tag: tags.keyword, class: 'keyword' },
  { tag: tags.comment, class: 'comment' },
  { tag: tags.meta, class: 'attribute' },
  { tag: [tags.number, tags.bool], class: 'number' },
]);

interface EditorOptions {
  text: string;
  label: string;
  onChange: (text: string) => void;
  /** Ctrl or Cmd with Enter. */
  onRun: () => void;
}

export function codeEditor(parent: HTMLElement, { text, label, onChange, onRun }: EditorOptions): CodeEditor {
  const run = () => {
    onRun();
    return true;
  };
  const view = new EditorView({
    parent,
    state: EditorState.create({
      doc: text,
      extensions: [
        Prec.highest(keymap.of([{ key: 'Mod-Enter', run }])),
        basicSetup,
        StreamLanguage.define(rust),
        syntaxHighlighting(colours),
        faultMarks,
        EditorView.contentAttributes.of({ 'aria-label': label, tabindex: '0' }),
        EditorView.updateListener.of(({ docChanged, state }) => docChanged && onChange(state.doc.toString())),
      ],
    }),
  });
  return {
    get text() {
      return view.state.doc.toString();
    },
    setText(next) {
      const { length } = view.state.doc;
      view.dispatch({ changes: { from: 0, to: length, insert: next }, effects: faultsChanged.of([]) });
    },
    showFaults(faults) {
      const { lines } = view.state.doc;
      const first = faults.find(({ line }) => line !== undefined && line <= lines)?.line;
      const reveal =
        first === undefined
          ? []
          : [EditorView.scrollIntoView(view.state.doc.line(first).from, { y: 'center' })];
      view.dispatch({ effects: [faultsChanged.of(faults), ...reveal] });
    },
    destroy: () => view.destroy(),
  };
}
