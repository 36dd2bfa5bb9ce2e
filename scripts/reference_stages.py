"""One way to ask torchvision's models and the independent program (family_reference.py) for a stage at a time."""

from abc import ABC, abstractmethod
from collections import OrderedDict

import numpy as np
import torch
from family_input import prepare
from family_reference import Rcnn
from family_results import keypoints_of, paste
from golden_reference import to_image
from golden_stages import run_rpn
from torch import Tensor, nn
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.roi_heads import keypointrcnn_inference

Sizes = tuple[int, int]


class Stages(ABC):
    """A model over one picture. Labels count from 1 on; boxes are in resized pixels unless said otherwise."""

    at_least = True  # a mask's pixel is set at 0.5, and not only above
    heads: str  # faster, mask or keypoint
    size: Sizes  # of the resized picture
    canvas: Sizes

    def __init__(self, model: nn.Module, picture: Sizes):
        self.model, self.picture, self.score_thresh = model.eval(), picture, 0.05

    @abstractmethod
    def in_double(self) -> None:
        """From here on all is in float64."""

    @abstractmethod
    def pyramid(self) -> list[Tensor]: ...

    @abstractmethod
    def rpn(self, pyramid: list[Tensor]) -> dict[str, Tensor]:
        """The head's maps by the engine's labels; proposals [R, 4], proposal_scores [R] in 0..1"""

    @abstractmethod
    def pool(self, pyramid: list[Tensor], boxes: Tensor, bins: int) -> Tensor: ...

    @abstractmethod
    def classify(self, pooled: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """-> features, class logits, box regression"""

    @abstractmethod
    def select(self, logits: Tensor, deltas: Tensor, regions: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """-> boxes [N, 4], scores [N], labels [N]"""

    @abstractmethod
    def in_picture(self, boxes: Tensor) -> Tensor:
        """-> boxes in the picture's pixels"""

    @abstractmethod
    def mask_logits(self, pooled: Tensor, labels: Tensor) -> Tensor:
        """Of the own class -> [N, 28, 28]"""

    @abstractmethod
    def paste(self, probabilities: Tensor, boxes: Tensor) -> Tensor:
        """boxes in the picture's pixels -> [N, H, W], soft"""

    def heatmaps(self, pooled: Tensor) -> Tensor:
        """-> [N, 17, 28, 28], before they are enlarged to 56 x 56"""
        heads = self.model.roi_heads
        return heads.keypoint_predictor.kps_score_lowres(heads.keypoint_head(pooled))

    def keypoints(self, heatmaps: Tensor, boxes: Tensor) -> Tensor:
        """-> [N, 17, 3]: x and y in the picture's pixels, score"""
        maps = nn.functional.interpolate(heatmaps, scale_factor=2.0, mode="bilinear", align_corners=False)
        found = self.peaks(maps, boxes)
        ratio = [self.picture[1] / self.size[1], self.picture[0] / self.size[0]]
        found[:, :, :2] *= found.new_tensor(ratio)
        return found

    @abstractmethod
    def peaks(self, maps: Tensor, boxes: Tensor) -> Tensor: ...


class Torchvision(Stages):
    at_least = False

    def __init__(self, model: nn.Module, pixels: np.ndarray, sizes: Sizes, proposals: int):
        super().__init__(model, pixels.shape[:2])
        model.transform.min_size, model.transform.max_size = sizes[:1], sizes[1]
        model.rpn._post_nms_top_n = {"training": 2000, "testing": min(proposals, model.rpn.post_nms_top_n())}
        self.images, _ = model.transform([to_image(pixels)])
        self.size, self.canvas = self.images.image_sizes[0], tuple(self.images.tensors.shape[-2:])
        parts = {"mask": model.roi_heads.has_mask(), "keypoint": model.roi_heads.has_keypoint()}
        self.heads = next((kind for kind, present in parts.items() if present), "faster")
        self.names = list(model.backbone(self.images.tensors))

    def in_double(self) -> None:
        self.model.double()
        self.images = ImageList(self.images.tensors.double(), self.images.image_sizes)

    def features(self, pyramid: list[Tensor]) -> OrderedDict[str, Tensor]:
        return OrderedDict(zip(self.names, pyramid))

    def pyramid(self) -> list[Tensor]:
        return list(self.model.backbone(self.images.tensors).values())

    def rpn(self, pyramid: list[Tensor]) -> dict[str, Tensor]:
        logits, deltas = self.model.rpn.head(pyramid)
        found = run_rpn(self.model, self.images, self.features(pyramid))
        maps = by_level(logits, deltas)
        return maps | {key: found[key] for key in ("proposals", "proposal_scores")}

    def pool(self, pyramid: list[Tensor], boxes: Tensor, bins: int) -> Tensor:
        heads = self.model.roi_heads
        pooler = heads.box_roi_pool if bins == 7 else heads.mask_roi_pool or heads.keypoint_roi_pool
        return pooler(self.features(pyramid), [boxes], [self.size])

    def classify(self, pooled: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        features = self.model.roi_heads.box_head(pooled)
        return features, *self.model.roi_heads.box_predictor(features)

    def select(self, logits: Tensor, deltas: Tensor, regions: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        heads = self.model.roi_heads
        heads.score_thresh = self.score_thresh
        boxes, scores, labels = heads.postprocess_detections(logits, deltas, [regions], [self.size])
        return boxes[0], scores[0], labels[0]

    def in_picture(self, boxes: Tensor) -> Tensor:
        return self.model.transform.postprocess([{"boxes": boxes}], [self.size], [self.picture])[0]["boxes"]

    def mask_logits(self, pooled: Tensor, labels: Tensor) -> Tensor:
        heads = self.model.roi_heads
        return heads.mask_predictor(heads.mask_head(pooled))[torch.arange(len(labels)), labels]

    def paste(self, probabilities: Tensor, boxes: Tensor) -> Tensor:
        # postprocess scales the boxes that it is given: here by 1
        found = [{"boxes": boxes, "masks": probabilities[:, None]}]
        return self.model.transform.postprocess(found, [self.picture], [self.picture])[0]["masks"][:, 0]

    def peaks(self, maps: Tensor, boxes: Tensor) -> Tensor:
        points, scores = keypointrcnn_inference(maps, [boxes])
        return torch.cat([points[0][:, :, :2], scores[0][:, :, None]], 2)


class Independent(Stages):
    def __init__(self, model: Rcnn, pixels: np.ndarray, sizes: Sizes, proposals: int):
        super().__init__(model, pixels.shape[:2])
        model.post_nms = proposals
        self.at_least = not model.family.benchmark
        self.heads = model.family.heads
        self.image, self.size = prepare(model.family, pixels, *sizes)
        self.canvas = tuple(self.image.shape[-2:])

    def in_double(self) -> None:
        self.model.double().dtype = torch.float64

    def pyramid(self) -> list[Tensor]:
        return list(self.model.backbone(self.image.to(self.model.dtype)).values())

    def rpn(self, pyramid: list[Tensor]) -> dict[str, Tensor]:
        logits, deltas = self.model.rpn.head(pyramid)
        proposals, scores = self.model.propose(logits, deltas, self.size)
        return by_level(logits, deltas) | {"proposals": proposals, "proposal_scores": scores.sigmoid()}

    def pool(self, pyramid: list[Tensor], boxes: Tensor, bins: int) -> Tensor:
        return self.model.pool(pyramid, boxes, bins)

    def classify(self, pooled: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return self.model.classify(pooled)

    def select(self, logits: Tensor, deltas: Tensor, regions: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        self.model.score_thresh = self.score_thresh
        found = self.model.select(logits, deltas, regions, self.size)
        return found["boxes"], found["scores"], found["labels"] + 1

    def in_picture(self, boxes: Tensor) -> Tensor:
        boxes, real = self.model.in_picture(boxes, self.size, self.picture)
        assert bool(real.all()), "a detection without width or height"
        return boxes

    def mask_logits(self, pooled: Tensor, labels: Tensor) -> Tensor:
        return self.model.mask_logits(pooled, labels - 1)

    def paste(self, probabilities: Tensor, boxes: Tensor) -> Tensor:
        return paste(self.model.family, probabilities, boxes, self.picture)

    def peaks(self, maps: Tensor, boxes: Tensor) -> Tensor:
        return keypoints_of(maps, boxes)


def by_level(logits: list[Tensor], deltas: list[Tensor]) -> dict[str, Tensor]:
    """The RPN head's maps by the engine's labels."""
    maps = {f"rpn.head.cls_logits@p{level}": logit for level, logit in enumerate(logits, 2)}
    return maps | {f"rpn.head.bbox_pred@p{level}": delta for level, delta in enumerate(deltas, 2)}
