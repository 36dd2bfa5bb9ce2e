// Where pictures come from: a file, the clipboard, a drop, a photograph, the camera, a video, or a sample.

import { useEffect, useRef } from 'preact/hooks';
import { SAMPLES } from '../pictures';
import { chooseOwnModel, choosePicture, chooseSample } from './actions';
import { keepFrame, startCamera, startVideo } from './live/live';
import { live, picture } from './state';

const MODEL_FILES = /\.(safetensors|pth|pt|pkl|pb)$/i;
const VIDEO_FILES = /\.(mp4|m4v|mov|webm|mkv)$/i; // some systems know no type for some of them
const phone = matchMedia('(pointer: coarse)').matches; // there `capture` opens the camera's own app

/** A picture, a video, or a model's files: whatever was picked, dropped or pasted. */
function take(files: Iterable<File>): void {
  const all = [...files];
  const [first] = all;
  if (!first) return;
  if (MODEL_FILES.test(first.name)) void chooseOwnModel(all);
  else if (first.type.startsWith('video/') || VIDEO_FILES.test(first.name))
    void startVideo(first, first.name);
  else void choosePicture(first, first.name || 'picture.png');
}

export function SourceBar() {
  const file = useRef<HTMLInputElement>(null);
  const photo = useRef<HTMLInputElement>(null);
  useDropAndPaste();
  const onPick = ({ currentTarget }: { currentTarget: HTMLInputElement }) => {
    take(currentTarget.files ?? []);
    currentTarget.value = ''; // the same file may be picked again
  };
  return (
    <div class="row bar">
      <button type="button" class="primary" onClick={() => file.current!.click()}>
        Open a picture or video
      </button>
      <input
        ref={file}
        id="file"
        type="file"
        accept="image/*,video/*"
        hidden
        onChange={onPick}
        aria-label="Picture or video"
      />
      {phone && (
        <button type="button" onClick={() => photo.current!.click()}>
          Photograph
        </button>
      )}
      <input
        ref={photo}
        type="file"
        accept="image/*"
        capture="environment"
        hidden
        onChange={onPick}
        aria-label="Photograph"
      />
      <button
        type="button"
        aria-pressed={live.value === 'camera'}
        onClick={() => (live.value === 'camera' ? keepFrame() : startCamera())}
      >
        {live.value === 'camera' ? 'Stop the camera' : 'Camera'}
      </button>
      <label>
        <span class="hidden-visually">Sample picture</span>
        <select
          id="sample"
          value={picture.value?.sample ?? ''}
          onChange={({ currentTarget }) => void chooseSample(currentTarget.value)}
        >
          <option value="" disabled>
            Samples
          </option>
          {SAMPLES.map(({ id, title }) => (
            <option key={id} value={id}>
              {title}
            </option>
          ))}
        </select>
      </label>
      <span class="small faint hint">or drop one anywhere, or paste it</span>
    </div>
  );
}

function useDropAndPaste(): void {
  useEffect(() => {
    const marks = document.documentElement.classList;
    const over = (event: DragEvent) => {
      if (!event.dataTransfer?.types.includes('Files')) return;
      event.preventDefault();
      marks.add('over');
    };
    const leave = ({ relatedTarget }: DragEvent) => {
      if (!relatedTarget) marks.remove('over');
    };
    const drop = (event: DragEvent) => {
      marks.remove('over');
      const files = event.dataTransfer?.files ?? [];
      if (files.length > 0) event.preventDefault();
      take(files);
    };
    const paste = (event: ClipboardEvent) => take(event.clipboardData?.files ?? []);
    const gone = new AbortController();
    const { signal } = gone;
    document.addEventListener('dragover', over, { signal });
    document.addEventListener('dragleave', leave, { signal });
    document.addEventListener('drop', drop, { signal });
    document.addEventListener('paste', paste, { signal });
    return () => gone.abort();
  }, []);
}
