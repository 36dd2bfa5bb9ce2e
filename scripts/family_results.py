"""What detectron2, maskrcnn-benchmark and MMDetection make of masks and heatmaps at last (reference-semantics.md, 7.4, 8,
12.8), written from their published definitions."""

import torch
import torch.nn.functional as F
from family_input import Family
from torch import Tensor
from torchvision.models.detection.roi_heads import paste_masks_in_image


def paste(family: Family, masks: Tensor, boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """-> [N, H, W], soft"""
    if family.benchmark:
        return paste_masks_in_image(masks[:, None], boxes, size)[:, 0]
    y = torch.arange(size[0], dtype=masks.dtype) + 0.5
    x = torch.arange(size[1], dtype=masks.dtype) + 0.5
    y = (y - boxes[:, 1:2]) / (boxes[:, 3:4] - boxes[:, 1:2]) * 2 - 1
    x = (x - boxes[:, 0:1]) / (boxes[:, 2:3] - boxes[:, 0:1]) * 2 - 1
    shape = (len(masks), *size)
    grid = torch.stack([x[:, None, :].expand(shape), y[:, :, None].expand(shape)], 3)
    return F.grid_sample(masks[:, None], grid, align_corners=False)[:, 0]


def keypoints_of(maps: Tensor, boxes: Tensor) -> Tensor:
    """detectron2's heatmaps_to_keypoints: maps [N, K, 56, 56] -> [N, K, 3]: x, y, probability"""
    result = maps.new_zeros(*maps.shape[:2], 3)
    for i, (own, box) in enumerate(zip(maps, boxes)):
        size = (box[2:] - box[:2]).clamp(min=1)
        width, height = (int(side) for side in size.ceil())
        enlarged = F.interpolate(own[None], (height, width), mode="bicubic", align_corners=False)[0]
        best = enlarged.flatten(1).max(1).values[:, None, None]
        scores = (enlarged - best).exp() / (own - best).exp().sum((1, 2), keepdim=True)
        at = enlarged.flatten(1).argmax(1)
        result[i, :, 0] = (at % width + 0.5) * (size[0] / width) + box[0]
        result[i, :, 1] = (at // width + 0.5) * (size[1] / height) + box[1]
        result[i, :, 2] = scores.flatten(1)[torch.arange(len(own)), at]
    return result
