// Cancelling across threads: an AbortSignal cannot be sent, so that a call has a number, and `cancel` names it.

export class Calls {
  private readonly running = new Map<number, AbortController>();

  /** Does `work` with a signal that `cancel(call)` aborts. */
  async run<T>(call: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const controller = new AbortController();
    this.running.set(call, controller);
    try {
      return await work(controller.signal);
    } finally {
      this.running.delete(call);
    }
  }

  cancel(call: number): void {
    this.running.get(call)?.abort();
  }
}

let last = 0;

/** On the page's side: makes a numbered call, and cancels it when `signal` aborts. */
export async function numbered<T>(
  signal: AbortSignal | undefined,
  cancel: (call: number) => unknown,
  make: (call: number) => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted();
  const call = ++last;
  const abort = () => cancel(call);
  signal?.addEventListener('abort', abort);
  try {
    const result = await make(call);
    signal?.throwIfAborted();
    return result;
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}
