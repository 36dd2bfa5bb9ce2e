"""detectron2, maskrcnn-benchmark and MMDetection, inference, as an independent program.

None of the three can be installed here. This is written from their published definitions (the sheet
reference-semantics.md, sections 1, 12 and 13), not from our engine, and takes from torchvision what they take from it
or have alike: convolutions, FPN, RoIAlign, NMS. Pillow and OpenCV themselves resize the pictures (family_input.py).

Networks are narrow (narrow_models.py); their tensors carry torchvision's names here, and `family_name`
(family_names.py) gives the family's own.
"""

import math

import numpy as np
import torch
from family_input import Family, prepare
from family_results import keypoints_of, paste
from narrow_models import narrow_resnet_fpn
from torch import Tensor, nn
from torchvision.models.detection.faster_rcnn import TwoMLPHead
from torchvision.models.detection.keypoint_rcnn import KeypointRCNNHeads, KeypointRCNNPredictor
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
from torchvision.models.detection.rpn import RPNHead
from torchvision.ops import batched_nms, nms, roi_align

STRIDES = [4, 8, 16, 32, 64]
CLAMP = math.log(1000 / 16)


class Heads(nn.Module):
    def __init__(self, family: Family, classes: int):
        super().__init__()
        foreground = classes + 1 if family.benchmark else classes
        C = family.channels
        self.box_head = TwoMLPHead(C * 49, family.hidden)
        self.box_predictor = nn.Module()
        self.box_predictor.cls_score = nn.Linear(family.hidden, classes + 1)
        self.box_predictor.bbox_pred = nn.Linear(family.hidden, 4 * foreground)
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
        self.backbone = narrow_resnet_fpn(family.depth, family.groups, family.width, channels=family.channels)
        if family.name != "mmdetection" and not family.grouped:
            self.stride_in_1x1()
        if family.benchmark:
            for module in self.backbone.body.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.eps = 0.0
        self.rpn = nn.Module()
        self.rpn.head = RPNHead(family.channels, 3)
        self.roi_heads = Heads(family, self.classes)
        self.min_size, self.max_size, self.score_thresh = 800, 1333, 0.05
        self.pre_nms, self.post_nms, self.detections = 1000, 1000, 100
        self.dtype = torch.float32

    def stride_in_1x1(self) -> None:
        for layer in ("layer2", "layer3", "layer4"):
            block = self.backbone.body[layer][0]
            block.conv1.stride, block.conv2.stride = block.conv2.stride, block.conv1.stride

    # -- boxes ------------------------------------------------------------------------------------------------------

    @property
    def one(self) -> float:
        """What a box's sides gain: x2 and y2 are pixels of it in maskrcnn-benchmark."""
        return 1.0 if self.family.benchmark else 0.0

    def cell(self, level: int) -> Tensor:
        stride, size = STRIDES[level], 32 * 2**level
        boxes = []
        for ratio in (0.5, 1.0, 2.0):
            if self.family.benchmark:
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

    def propose(self, logits: list[Tensor], deltas: list[Tensor], size: tuple[int, int]) -> tuple[Tensor, Tensor]:
        """The RPN's maps of each level -> boxes [R, 4] in resized pixels, their logits [R]"""
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
            if not self.family.benchmark:
                real = (box[:, 2:] > box[:, :2]).all(1)
            boxes.append(box[real])
            scores.append(flat[best][real])
            groups.append(torch.full((int(real.sum()),), level))
        boxes, scores, groups = torch.cat(boxes), torch.cat(scores), torch.cat(groups)
        kept = self.nms(boxes, scores, groups, 0.7)[: self.post_nms]
        return boxes[kept], scores[kept]

    # -- regions ----------------------------------------------------------------------------------------------------

    def level_of(self, boxes: Tensor) -> Tensor:
        side = (boxes[:, 2:] - boxes[:, :2] + self.one).prod(1).sqrt()
        if self.family.name == "mmdetection":
            return torch.floor(torch.log2(side / 56 + 1e-6)).clamp(0, 3)
        epsilon = 1e-8 if self.family.name == "detectron2" else 1e-6
        return torch.floor(4 + torch.log2(side / 224 + epsilon)).clamp(2, 5) - 2

    def pool(self, pyramid: list[Tensor], boxes: Tensor, bins: int) -> Tensor:
        pooled = boxes.new_zeros(len(boxes), self.family.channels, bins, bins)
        levels = self.level_of(boxes)
        benchmark = self.family.benchmark
        for level in range(4):
            own = levels == level
            pooled[own] = roi_align(
                pyramid[level], [boxes[own]], bins, 1 / STRIDES[level], 2 if benchmark else 0, not benchmark
            )
        return pooled

    def classify(self, pooled: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """-> features [R, F], class logits [R, K], box regression [R, 4 K']"""
        heads = self.roi_heads
        features = heads.box_head(pooled)
        return features, heads.box_predictor.cls_score(features), heads.box_predictor.bbox_pred(features)

    def select(self, logits: Tensor, deltas: Tensor, proposals: Tensor, size: tuple[int, int]) -> dict[str, Tensor]:
        """Detections in resized pixels; labels from 0, without the background."""
        scores = logits.softmax(1)
        deltas = deltas.view(len(proposals), -1, 4)
        if self.family.benchmark:
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

    def mask_logits(self, pooled: Tensor, labels: Tensor) -> Tensor:
        """Of each detection's own class. -> [N, 28, 28]"""
        heads, first = self.roi_heads, 1 if self.family.benchmark else 0
        return heads.mask_predictor(heads.mask_head(pooled))[torch.arange(len(labels)), labels + first]

    # -- results ----------------------------------------------------------------------------------------------------

    def in_picture(self, boxes: Tensor, size: tuple[int, int], picture: tuple[int, int]) -> tuple[Tensor, Tensor]:
        """From resized pixels to the picture's: boxes [N, 4], and which of them count."""
        height, width = picture
        boxes = boxes * boxes.new_tensor([width / size[1], height / size[0]] * 2)
        if self.family.name != "detectron2":
            return boxes, torch.ones(len(boxes), dtype=torch.bool)
        boxes = torch.minimum(boxes.clamp(min=0), boxes.new_tensor([width, height] * 2))
        return boxes, (boxes[:, 2:] > boxes[:, :2]).all(1)

    def forward(self, pixels: np.ndarray) -> dict[str, Tensor]:
        image, size = prepare(self.family, pixels, self.min_size, self.max_size)
        pyramid = list(self.backbone(image.to(self.dtype)).values())
        proposals, _ = self.propose(*self.rpn.head(pyramid), size)
        _, logits, deltas = self.classify(self.pool(pyramid, proposals, 7))
        found = self.select(logits, deltas, proposals, size)
        picture = pixels.shape[:2]
        boxes, real = self.in_picture(found["boxes"], size, picture)
        found, boxes = {key: value[real] for key, value in found.items()}, boxes[real]
        result = {"boxes": boxes, "scores": found["scores"], "labels": found["labels"] + 1, "proposals": proposals}
        pooled = self.pool(pyramid, found["boxes"], 14)
        if self.family.heads == "mask" and len(boxes):
            result["masks"] = self.mask_logits(pooled, found["labels"]).sigmoid()
            result["soft"] = paste(self.family, result["masks"], boxes, picture)
        if self.family.heads == "keypoint" and len(boxes):
            heatmaps = self.roi_heads.keypoint_predictor(self.roi_heads.keypoint_head(pooled))
            result["keypoints"] = keypoints_of(heatmaps, found["boxes"])
            result["keypoints"][:, :, :2] *= boxes.new_tensor([picture[1] / size[1], picture[0] / size[0]])
        return result
