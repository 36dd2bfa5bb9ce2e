// Which pictures the arguments mean: files as they are, folders as the pictures in them.

import { readdirSync, statSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { MaskRcnnError } from '../node';

const PICTURE = /\.(png|jpe?g|webp)$/i;

/**
 * Paths in the order of the arguments, a folder's pictures sorted by name. What is not there stays: reading it
 * will tell. Throws where a folder has no picture.
 */
export function imagePaths(given: readonly string[], recursive = false): string[] {
  return given.flatMap((path) => (isFolder(path) ? picturesIn(path, recursive) : [path]));
}

/** Throws where the overlays would lie among the pictures, and be taken for pictures the next time. */
export function checkOverlayFolder(given: readonly string[], overlay: string, recursive = false): void {
  for (const folder of given.filter(isFolder)) {
    const inside = relative(folder, overlay);
    const within = inside !== '..' && !inside.startsWith(`..${sep}`);
    if (inside === '' || (recursive && within)) {
      throw new MaskRcnnError(
        `${overlay}: overlays would lie among the pictures of ${folder}; wanted a folder apart`,
      );
    }
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function picturesIn(folder: string, recursive: boolean): string[] {
  const names = readdirSync(folder, { withFileTypes: true, recursive })
    .filter((entry) => !entry.isDirectory() && !entry.name.startsWith('.') && PICTURE.test(entry.name))
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
  if (names.length === 0) {
    const hint = recursive ? '' : '; --recursive looks into its folders too';
    throw new MaskRcnnError(`${folder}: no picture in this folder; wanted .png, .jpg, .jpeg or .webp${hint}`);
  }
  return names.map((name) => join(folder, name));
}
