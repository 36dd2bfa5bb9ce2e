// A bar on stderr while something long runs; nothing where stderr is no terminal.

import { type Options, Presets, SingleBar } from 'cli-progress';

const STYLE: Options = {
  stream: process.stderr,
  clearOnComplete: true,
  hideCursor: true,
  gracefulExit: false, // it would catch Ctrl-C and go on
  noTTYOutput: false,
  format: '{task} [{bar}] {amount}',
};

export class Progress {
  private readonly bar = process.stderr.isTTY ? new SingleBar(STYLE, Presets.rect) : undefined;

  /** Begins a task, or goes on with one. `amount` says in words how far it is. */
  show(task: string, done: number, total: number, amount: string): void {
    if (!this.bar?.isActive) this.bar?.start(total, done, { task, amount });
    this.bar?.setTotal(total);
    this.bar?.update(done, { task, amount });
  }

  /** Takes the bar away; call before writing anything else to the terminal. */
  clear(): void {
    this.bar?.stop();
  }
}
