// The object that the visitor looks at, kept from chapter to chapter: its place in the run's list.

import { signal } from '@preact/signals';

export const selectedObject = signal(0);
