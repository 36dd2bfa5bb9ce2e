// What is being done, how much of it, and a button that cancels it; else the last word about it.

import type { Task } from './task';

export function Status({ task, idle }: { task: Task; idle?: string | undefined }) {
  const work = task.work.value;
  return (
    <div class="status">
      <p role="status">{work?.text ?? idle ?? ''}</p>
      {work && (
        <>
          <progress aria-label={work.text} {...(work.share === undefined ? {} : { value: work.share })} />
          <button type="button" onClick={work.cancel}>
            Cancel
          </button>
        </>
      )}
    </div>
  );
}
