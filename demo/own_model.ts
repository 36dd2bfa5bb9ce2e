// The visitor's own files as a model: one of weights, or Caffe2's two.

import type { PlainSource } from './engine/messages';

export interface OwnModel {
  name: string;
  source: PlainSource;
}

/** undefined for no files. */
export function ownModel(files: readonly File[]): OwnModel | undefined {
  const [first] = files;
  if (!first) return undefined;
  const init = files.find(({ name }) => /init\.pb$/.test(name));
  const net = files.find((file) => file !== init && file.name.endsWith('.pb'));
  return { name: first.name, source: init && net ? { net, init } : first };
}
