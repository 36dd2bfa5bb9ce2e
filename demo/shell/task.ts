// One piece of long work at a time: what it is, how much of it is done, and how to cancel it.

import { signal } from '@preact/signals';

export interface Work {
  text: string;
  /** 0..1; undefined while nobody knows. */
  share?: number | undefined;
  cancel: () => void;
}

export type Report = (text: string, share?: number) => void;

/** A task's state as a signal, for <Status>. Starting another one cancels the one before. */
export class Task {
  readonly work = signal<Work | undefined>(undefined);
  private controller: AbortController | undefined;

  /** Does `job`, and shows it meanwhile. Rejects with an AbortError when it is cancelled. */
  async run<T>(text: string, job: (signal: AbortSignal, report: Report) => Promise<T>): Promise<T> {
    this.cancel();
    const controller = new AbortController();
    this.controller = controller;
    const cancel = () => controller.abort();
    const report: Report = (now, share) => {
      if (this.controller === controller) this.work.value = { text: now, share, cancel };
    };
    report(text);
    const cancelled = new Promise<never>((_, reject) => {
      controller.signal.addEventListener('abort', () => reject(controller.signal.reason));
    });
    try {
      return await Promise.race([job(controller.signal, report), cancelled]);
    } finally {
      if (this.controller === controller) {
        this.controller = undefined;
        this.work.value = undefined;
      }
    }
  }

  cancel(): void {
    this.controller?.abort();
  }
}
