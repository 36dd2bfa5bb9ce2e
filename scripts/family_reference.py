"""detectron2, maskrcnn-benchmark and MMDetection, inference, as an independent program.

None of the three can be installed here. This is written from their published definitions (the sheet
reference-semantics.md, sections 1, 12 and 13), not from our engine, and takes from torchvision what they take from it
or have alike: convolutions, FPN, RoIAlign, NMS. Pillow and OpenCV themselves resize the pictures.

Networks are narrow (narrow_models.py); their tensors carry torchvision's names here, and `family_name`
(family_names.py) gives the family's own.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from narrow_models import HIDDEN, C, narrow_resnet_fpn
from PIL import Image
from torch import Tensor, nn
from torchvision.models.detection.faster_rcnn import TwoMLPHead
from torchvision.models.detection.keypoint_rcnn import KeypointRCNNHeads, KeypointRCNNPredictor
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
from torchvision.models.detection.roi_heads import paste_masks_in_image
from torchvision.models.detection.rpn import RPNHead
from torchvision.ops import batched_nms, nms, roi_align

STRIDES = [4, 8, 16, 32, 64]
CLAMP = math.log(1000 / 16)
BGR_MEAN = [103.53, 116.28, 123.675]


@dataclass(frozen=True)
class Family:
    name: str  # detectron2, maskrcnn-benchmark or mmdetection
    depth: int = 50
    groups: int = 1
    width: int = 16  # of 64, of the 3x3 convolutions
    heads: str = "mask"  # faster, mask or keypoint

    @property
    def grouped(self) -> bool:
        return self.groups > 1


class Heads(nn.Module):
    def __init__(self, family: Family, classes: int):
        super().__init__()
        benchmark = family.name == "maskrcnn-benchmark"
        foreground = classes + 1 if benchmark else classes
        self.box_head = TwoMLPHead(C * 49, HIDDEN)
        self.box_predictor = nn.Module()
        self.box_predictor.cls_score = nn.Linear(HIDDEN, classes + 1)
        self.box_predictor.bbox_pred = nn.Linear(HIDDEN, 4 * foreground)
        if family.heads == "mask":
            self.mask_head = MaskRCNNHeads(C, [C] * 4, 1)
            self.mask_predictor = MaskRCNNPredictor(C, C, foreground)
        if family.heads == "keypoint":
            self.keypoint_head = KeypointRCNNHeads(C, (C,) * 8)
            self.keypoint_predictor = KeypointRCNNPredictor(C, 17)


class Rcnn(nn.Module):
    """One picture at a time: uint8 RGB [H, W, 3] to detections; sizes and thresholds are attributes."""

    def __init__(self, family: Family):
        super().__init__()
        self.family = family
        self.classes = 1 if family.heads == "keypoint" else 80
        self.backbone = narrow_resnet_fpn(family.depth, family.groups, family.width)
        if family.name != "mmdetection" and not family.grouped:
            self.stride_in_1x1()
        if family.name == "maskrcnn-benchmark":
            for module in self.backbone.body.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.eps = 0.0
        self.rpn = nn.Module()
        self.rpn.head = RPNHead(C, 3)
        self.roi_heads = Heads(family, self.classes)
        self.min_size, self.max_size, self.score_thresh = 800, 1333, 0.05
        self.pre_nms, self.post_nms, self.detections = 1000, 1000, 100
        self.dtype = torch.float32

    def stride_in_1x1(self) -> None:
        for layer in ("layer2", "layer3", "layer4"):
            block = self.backbone.body[layer][0]
            block.conv1.stride, block.conv2.stride = block.conv2.stride, block.conv1.stride

    # -- input ------------------------------------------------------------------------------------------------------

    def resized_size(self, height: int, width: int) -> tuple[int, int]:
        short, long = min(height, width), max(height, width)
        if self.family.name == "maskrcnn-benchmark":
            side = self.min_size
            if long / short * side > self.max_size:
                side = int(round(self.max_size * short / long))
            if side == short:
                return height, width
            return (int(side * height / width), side) if width < height else (side, int(side * width / height))
        if self.family.name == "mmdetection":
            scale = min(self.max_size / long, self.min_size / short)
            return int(height * scale + 0.5), int(width * scale + 0.5)
        scale = self.min_size / short
        sides = (self.min_size, scale * width) if height < width else (scale * height, self.min_size)
        if max(sides) > self.max_size:
            again = self.max_size / max(sides)
            sides = (sides[0] * again, sides[1] * again)
        return int(sides[0] + 0.5), int(sides[1] + 0.5)

    def prepare(self, pixels: np.ndarray) -> tuple[Tensor, tuple[int, int]]:
        """Resized bytes, then normalised, then zeros to multiples of 32 -> [1, 3, H, W], the size without them."""
        size = self.resized_size(*pixels.shape[:2])
        if self.family.name == "mmdetection":
            import cv2  # opencv-python-headless

            resized = cv2.resize(pixels, size[::-1], interpolation=cv2.INTER_LINEAR)
            mean, std = [123.675, 116.28, 103.53], [58.395, 57.12, 57.375]
        else:
            resized = np.array(Image.fromarray(pixels).resize(size[::-1], Image.BILINEAR))[:, :, ::-1].copy()
            benchmark = self.family.name == "maskrcnn-benchmark"
            mean = [102.9801, 115.9465, 122.7717] if benchmark else BGR_MEAN
            std = [57.375, 57.12, 58.395] if self.family.grouped else [1.0, 1.0, 1.0]
        image = torch.from_numpy(resized).permute(2, 0, 1).float()
        image = (image - torch.tensor(mean)[:, None, None]) / torch.tensor(std)[:, None, None]
        height, width = size
        canvas = image.new_zeros(1, 3, -(-height // 32) * 32, -(-width // 32) * 32)
        canvas[0, :, :height, :width] = image
        return canvas.to(self.dtype), size

    # -- boxes ------------------------------------------------------------------------------------------------------

    @property
    def one(self) -> float:
        """What a box's sides gain: x2 and y2 are pixels of it in maskrcnn-benchmark."""
        return 1.0 if self.family.name == "maskrcnn-benchmark" else 0.0

    def cell(self, level: int) -> Tensor:
        stride, size = STRIDES[level], 32 * 2**level
        boxes = []
        for ratio in (0.5, 1.0, 2.0):
            if self.family.name == "maskrcnn-benchmark":
                width = np.round(np.sqrt(stride * stride / ratio))
                height = np.round(width * ratio)
                centre, scale = (stride - 1) / 2, size / stride
                half = ((width * scale - 1) / 2, (height * scale - 1) / 2)
                boxes.append([centre - half[0], centre - half[1], centre + half[0], centre + half[1]])
            else:
                width = math.sqrt(size * size / ratio)
                half = (width / 2, width * ratio / 2)
                boxes.append([-half[0], -half[1], half[0], half[1]])
        return torch.tensor(boxes, dtype=torch.float64).float().to(self.dtype)

    def decode(self, boxes: Tensor, deltas: Tensor) -> Tensor:
        """boxes [N, 4], deltas [N, 4], divided by their weights already"""
        size = boxes[:, 2:] - boxes[:, :2] + self.one
        centre = boxes[:, :2] + 0.5 * size
        growth = deltas[:, 2:].clamp(max=CLAMP)
        if self.family.name == "mmdetection":
            growth = growth.clamp(min=-CLAMP)
        centre = deltas[:, :2] * size + centre
        half = 0.5 * growth.exp() * size
        return torch.cat([centre - half, centre + half - self.one], 1)

    def clip(self, boxes: Tensor, size: tuple[int, int]) -> Tensor:
        height, width = size[0] - self.one, size[1] - self.one
        bounds = boxes.new_tensor([width, height, width, height])
        return torch.minimum(boxes.clamp(min=0), bounds)

    def nms(self, boxes: Tensor, scores: Tensor, groups: Tensor, threshold: float) -> Tensor:
        """Indices of what is kept, best first."""
        if self.family.name == "detectron2":
            return batched_nms(boxes, scores, groups, threshold)
        if self.family.name == "mmdetection":
            shift = groups.to(boxes) * (boxes.max() + 1)
            return nms(boxes + shift[:, None], scores, threshold)
        kept = [self.inclusive_nms(boxes, scores, (groups == g).nonzero()[:, 0], threshold) for g in groups.unique()]
        kept = torch.cat(kept) if kept else groups
        return kept[scores[kept].argsort(descending=True, stable=True)]

    def inclusive_nms(self, boxes: Tensor, scores: Tensor, indices: Tensor, threshold: float) -> Tensor:
        order = indices[scores[indices].argsort(descending=True, stable=True)]
        kept = []
        while len(order):
            best, rest = order[0], order[1:]
            kept.append(best)
            low = torch.maximum(boxes[best, :2], boxes[rest, :2])
            high = torch.minimum(boxes[best, 2:], boxes[rest, 2:])
            inter = (high - low + 1).clamp(min=0).prod(1)
            areas = (boxes[rest, 2:] - boxes[rest, :2] + 1).prod(1)
            union = (boxes[best, 2:] - boxes[best, :2] + 1).prod() + areas - inter
            order = rest[~(inter / union > threshold)]
        return torch.stack(kept)

    def propose(self, pyramid: list[Tensor], size: tuple[int, int]) -> Tensor:
        logits, deltas = self.rpn.head(pyramid)
        boxes, scores, groups = [], [], []
        for level, (logit, delta) in enumerate(zip(logits, deltas)):
            _, anchors, height, width = logit.shape
            y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
            corner = torch.stack([x, y, x, y], -1).view(-1, 1, 4).to(self.dtype) * STRIDES[level]
            grid = (corner + self.cell(level)).view(-1, 4)
            flat = logit[0].permute(1, 2, 0).flatten()
            moves = delta[0].view(anchors, 4, height, width).permute(2, 3, 0, 1).reshape(-1, 4)
            best = flat.sort(descending=True, stable=True).indices[: self.pre_nms]
            box = self.clip(self.decode(grid[best], moves[best]), size)
            real = (box[:, 2:] - box[:, :2] + self.one >= 0).all(1)
            if self.family.name != "maskrcnn-benchmark":
                real = (box[:, 2:] > box[:, :2]).all(1)
            boxes.append(box[real])
            scores.append(flat[best][real])
            groups.append(torch.full((int(real.sum()),), level))
        boxes, scores, groups = torch.cat(boxes), torch.cat(scores), torch.cat(groups)
        return boxes[self.nms(boxes, scores, groups, 0.7)[: self.post_nms]]

    # -- regions ----------------------------------------------------------------------------------------------------

    def level_of(self, boxes: Tensor) -> Tensor:
        side = (boxes[:, 2:] - boxes[:, :2] + self.one).prod(1).sqrt()
        if self.family.name == "mmdetection":
            return torch.floor(torch.log2(side / 56 + 1e-6)).clamp(0, 3)
        epsilon = 1e-8 if self.family.name == "detectron2" else 1e-6
        return torch.floor(4 + torch.log2(side / 224 + epsilon)).clamp(2, 5) - 2

    def pool(self, pyramid: list[Tensor], boxes: Tensor, bins: int) -> Tensor:
        pooled = boxes.new_zeros(len(boxes), C, bins, bins)
        levels = self.level_of(boxes)
        benchmark = self.family.name == "maskrcnn-benchmark"
        for level in range(4):
            own = levels == level
            pooled[own] = roi_align(
                pyramid[level], [boxes[own]], bins, 1 / STRIDES[level], 2 if benchmark else 0, not benchmark
            )
        return pooled

    def detect(self, pyramid: list[Tensor], proposals: Tensor, size: tuple[int, int]) -> dict[str, Tensor]:
        heads = self.roi_heads
        features = heads.box_head(self.pool(pyramid, proposals, 7))
        scores = heads.box_predictor.cls_score(features).softmax(1)
        deltas = heads.box_predictor.bbox_pred(features).view(len(proposals), -1, 4)
        if self.family.name == "maskrcnn-benchmark":
            scores, deltas = scores[:, 1:], deltas[:, 1:]
        else:
            scores = scores[:, :-1]
        weights = deltas.new_tensor([10, 10, 5, 5])
        boxes = torch.stack(
            [self.clip(self.decode(proposals, deltas[:, k] / weights), size) for k in range(self.classes)], 1
        )
        row, label = (scores > self.score_thresh).nonzero(as_tuple=True)
        boxes, scores = boxes[row, label], scores[row, label]
        kept = self.nms(boxes, scores, label, 0.5)[: self.detections]
        return {"boxes": boxes[kept], "scores": scores[kept], "labels": label[kept]}

    # -- results ----------------------------------------------------------------------------------------------------

    def forward(self, pixels: np.ndarray) -> dict[str, Tensor]:
        image, size = self.prepare(pixels)
        pyramid = list(self.backbone(image).values())
        proposals = self.propose(pyramid, size)
        found = self.detect(pyramid[:4], proposals, size)
        height, width = pixels.shape[:2]
        ratio = found["boxes"].new_tensor([width / size[1], height / size[0]] * 2)
        boxes = found["boxes"] * ratio
        real = torch.ones(len(boxes), dtype=torch.bool)
        if self.family.name == "detectron2":
            boxes = torch.minimum(boxes.clamp(min=0), boxes.new_tensor([width, height] * 2))
            real = (boxes[:, 2:] > boxes[:, :2]).all(1)
        found = {key: value[real] for key, value in found.items()}
        boxes = boxes[real]
        result = {"boxes": boxes, "scores": found["scores"], "labels": found["labels"] + 1, "proposals": proposals}
        heads = self.roi_heads
        if self.family.heads == "mask" and len(boxes):
            trunk = heads.mask_head(self.pool(pyramid[:4], found["boxes"], 14))
            first = 1 if self.family.name == "maskrcnn-benchmark" else 0
            logits = heads.mask_predictor(trunk)[torch.arange(len(boxes)), found["labels"] + first]
            result["masks"] = logits.sigmoid()
            result["soft"] = self.paste(result["masks"], boxes, (height, width))
        if self.family.heads == "keypoint" and len(boxes):
            trunk = heads.keypoint_head(self.pool(pyramid[:4], found["boxes"], 14))
            result["keypoints"] = keypoints_of(heads.keypoint_predictor(trunk), found["boxes"])
            result["keypoints"][:, :, :2] *= ratio[:2]
        return result

    def paste(self, masks: Tensor, boxes: Tensor, size: tuple[int, int]) -> Tensor:
        """-> [N, H, W], soft"""
        if self.family.name == "maskrcnn-benchmark":
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
