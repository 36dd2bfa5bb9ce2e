// All rows of all kernels. A new kernel adds a file to tests/rows, and a line here.

import type { KernelCase } from './kernel_case';
import { byteRows } from './rows/byte_rows';
import { detectionRows } from './rows/detection_rows';
import { drawRows } from './rows/draw_rows';
import { familyRows } from './rows/family_rows';
import { imageRows } from './rows/image_rows';
import { keypointRows } from './rows/keypoint_rows';
import { mapRows } from './rows/map_rows';
import { mobileRows } from './rows/mobile_rows';
import { productRows } from './rows/product_rows';
import { roiRows } from './rows/roi_rows';
import { swishRows } from './rows/swish_rows';

export const rows: KernelCase[] = [
  ...detectionRows,
  ...mapRows,
  ...mobileRows,
  ...productRows,
  ...roiRows,
  ...imageRows,
  ...drawRows,
  ...familyRows,
  ...byteRows,
  ...swishRows,
  ...keypointRows,
];
