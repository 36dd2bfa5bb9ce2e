// A kernel's text to edit, with the faults that the compiler has found.

import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import type { ShaderFault } from '../../../src/index';
import { tellFault } from '../../shell/toasts';
import type { CodeEditor } from '../code_editor';
import './shader_editor.css';

interface ShaderEditorProps {
  kernel: string;
  text: string;
  /** Changes when the text was changed by others than the visitor's keys. */
  revision: number;
  faults: readonly ShaderFault[];
  onChange: (text: string) => void;
  onRun: () => void;
}

export function ShaderEditor({ kernel, text, revision, faults, onChange, onRun }: ShaderEditorProps) {
  const place = useRef<HTMLDivElement>(null);
  const editor = useRef<CodeEditor | undefined>(undefined);
  const handlers = useRef({ onChange, onRun });
  handlers.current = { onChange, onRun };
  useEffect(() => {
    let wanted = true;
    import('../code_editor').then(({ codeEditor }) => {
      if (!wanted || !place.current) return;
      editor.current = codeEditor(place.current, {
        text,
        label: `WGSL of ${kernel}`,
        onChange: (next) => handlers.current.onChange(next),
        onRun: () => handlers.current.onRun(),
      });
    }, tellFault);
    return () => {
      wanted = false;
      editor.current?.destroy();
      editor.current = undefined;
    };
  }, [kernel]);
  // not for every text: what is typed comes back here when more has been typed already; before the page is painted,
  // so that what stands beside it speaks of the same text
  useLayoutEffect(() => {
    if (editor.current && editor.current.text !== text) editor.current.setText(text);
  }, [revision]);
  useLayoutEffect(() => editor.current?.showFaults(faults), [faults]);
  return (
    <>
      <div class="code" ref={place} />
      {faults.length > 0 && (
        <div class="faults" role="alert">
          {faults.map(({ line, column, message }) => (
            <p key={`${line} ${column} ${message}`}>
              {line !== undefined && <b>{`Line ${line}: `}</b>}
              {message}
            </p>
          ))}
        </div>
      )}
    </>
  );
}
