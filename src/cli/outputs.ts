// The files of `--json` and `--csv`, and the journal that no interruption can hurt.
//
// Each picture that is done, also one without objects, is a line of the journal: FILE.partial, next to --json's FILE
// or else to --csv's. The files themselves are made from the journal, whole, when all is done or when the run is
// stopped by a signal or a fault; then only is the journal removed, in the first case. So a killed run that is
// resumed writes the very files that it would have written.

import {
  appendFileSync,
  existsSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, resolve } from 'node:path';
import { MaskRcnnError } from '../node';
import { cocoJson, readCoco } from '../results/coco';
import { csv, readCsv } from '../results/csv';
import type { Found } from '../results/found';

export interface OutputArguments {
  json?: string;
  csv?: string;
  resume?: boolean;
  weights: string;
  score: number;
  size?: [min: number, max: number];
}

export class Outputs {
  private readonly done = new Map<string, readonly Found[]>(); // by absolute path
  private readonly journal: string | undefined;
  private readonly settings: string;

  /** Reads what an earlier run left if it is to be resumed, else begins anew. */
  constructor(
    private readonly args: OutputArguments,
    private readonly images: readonly string[],
  ) {
    this.settings = settingsOf(args);
    const file = args.json ?? args.csv;
    if (file === undefined || !isPlain(file)) return;
    this.journal = `${file}.partial`;
    if (args.resume) this.recall(this.journal);
    replaceFile(this.journal, [this.settings, ...[...this.done].map(journalLine)].join('\n').concat('\n'));
  }

  /** Files that are written, if any picture can be used. */
  get files(): string[] {
    return [this.args.json, this.args.csv].filter((file) => file !== undefined);
  }

  found(path: string): readonly Found[] | undefined {
    return this.done.get(resolve(path));
  }

  add(path: string, found: readonly Found[]): void {
    this.done.set(resolve(path), found);
    if (this.journal) appendFileSync(this.journal, `${journalLine([resolve(path), found])}\n`);
  }

  /** Writes the files from what is done so far; an interruption leaves the old ones or the new ones. */
  write(): void {
    if (this.done.size === 0) return;
    const pictures = this.images.flatMap((path, id) => {
      const found = this.found(path);
      return found ? [{ id, name: basename(path), path, found }] : [];
    });
    if (this.args.json) replaceFile(this.args.json, cocoJson(pictures));
    if (this.args.csv) replaceFile(this.args.csv, csv(pictures));
  }

  /** All that could be done is done. */
  finish(): void {
    this.write();
    if (this.journal) rmSync(this.journal, { force: true });
  }

  /** The run stops here: what is done is in the files, and can be resumed from. */
  interrupt(): void {
    if (this.done.size === 0) this.finish();
    else this.write();
  }

  private recall(journal: string): void {
    const { json, csv: table } = this.args;
    if (existsSync(journal)) this.recallFrom(journal, this.readJournal(journal));
    else if (json && existsSync(json)) this.recallFrom(json, readCoco(readFileSync(json, 'utf8'), json));
    else if (!json && table && existsSync(table)) {
      this.recallFrom(table, readCsv(readFileSync(table, 'utf8'), table));
    }
  }

  private recallFrom(file: string, pictures: ReadonlyMap<string, Found[]>): void {
    const wanted = new Set(this.images.map((path) => resolve(path)));
    for (const [path, found] of pictures) {
      if (!wanted.has(resolve(path))) {
        const advice = '--resume writes the files anew from the pictures given: give that one too';
        throw new MaskRcnnError(`${file}: holds ${path}, which is not among the pictures; ${advice}`);
      }
      this.done.set(resolve(path), found);
    }
  }

  private readJournal(file: string): Map<string, Found[]> {
    const lines = readFileSync(file, 'utf8').split('\n');
    lines.pop(); // what follows the last newline: nothing, or a line that was cut off
    const [settings, ...pictures] = lines;
    if (settings !== undefined && settings !== this.settings) {
      const advice = 'resume with the same options and weights, or begin anew without --resume';
      throw new MaskRcnnError(`${file}: begun with ${settings}, now it is ${this.settings}; ${advice}`);
    }
    return new Map(pictures.map((line) => JSON.parse(line)));
  }
}

/** What must be the same in all parts of a run. */
function settingsOf({ weights, score, size }: OutputArguments): string {
  const modified = statSync(weights, { throwIfNoEntry: false })?.mtime;
  return JSON.stringify({ weights: resolve(weights), modified, score, size });
}

function journalLine(picture: readonly [path: string, found: readonly Found[]]): string {
  return JSON.stringify(picture);
}

/** No file yet, or a regular one; not /dev/stdout. */
function isPlain(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false })?.isFile() ?? true;
}

/** All at once, by renaming; a link stays a link, and what is no plain file is written to. */
function replaceFile(file: string, text: string): void {
  if (!isPlain(file)) {
    writeFileSync(file, text);
    return;
  }
  const target = existsSync(file) ? realpathSync(file) : file;
  writeFileSync(`${target}.tmp`, text);
  renameSync(`${target}.tmp`, target);
}
