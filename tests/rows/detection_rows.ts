// Rows of the kernels that turn the networks' outputs into boxes.

import type { KernelCase } from '../kernel_case';
import { decodeRows } from './decode_rows';
import { nmsRows } from './nms_rows';
import { selectionRows } from './selection_rows';

export const detectionRows: KernelCase[] = [...selectionRows, ...decodeRows, ...nmsRows];
