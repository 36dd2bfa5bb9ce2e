// The visitor's own texts of kernels, kept from chapter to chapter and from run to run.

import { signal } from '@preact/signals';

/** By the kernel's name; kernels that are as they were have none. */
export const editedShaders = signal<Readonly<Record<string, string>>>({});

/** Keeps a text; one that is the kernel's own is none. */
export function editShader(kernel: string, text: string, own: string): void {
  const { [kernel]: _, ...others } = editedShaders.value;
  editedShaders.value = text === own ? others : { ...others, [kernel]: text };
}
