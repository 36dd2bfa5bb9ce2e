"""What torchvision makes of ground truth in training: matches, targets and the five losses of one small image."""

import torch
from golden_reference import write
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.roi_heads import (
    RoIHeads,
    fastrcnn_loss,
    maskrcnn_loss,
    project_masks_on_boxes,
)
from torchvision.models.detection.rpn import RegionProposalNetwork
from torchvision.ops import box_iou

HEIGHT, WIDTH = 96, 128
CLASSES = 4  # with the background
GRIDS = [(12, 16), (6, 8)]
MASK_SIDE = 28
SEED = 7
TRUTHS = [[8, 10, 42, 40], [30, 22, 70, 64], [60, 5, 66, 12], [80, 30, 126, 90], [78, 34, 120, 94]]
LABELS = [1, 2, 3, 2, 1]


def fixed(positive: torch.Tensor, negative: torch.Tensor):
    """A sampler that has already chosen: masks, as BalancedPositiveNegativeSampler returns them."""
    return lambda labels: ([positive], [negative])


def chosen(labels: torch.Tensor, positives: int, negatives: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Every matched one up to a number, and background ones evenly spread, as masks."""
    masks = []
    for indices, most in [(torch.where(labels >= 1)[0], positives), (torch.where(labels == 0)[0], negatives)]:
        mask = torch.zeros_like(labels, dtype=torch.bool)
        step = max(1, len(indices) // most)
        mask[indices[::step][:most]] = True
        masks.append(mask)
    return masks[0], masks[1]


def noisy(boxes: torch.Tensor, repeats: int, spread: float) -> torch.Tensor:
    """Boxes near the given ones, within the image."""
    many = boxes.repeat(repeats, 1)
    many = many + spread * torch.randn_like(many)
    x = many[:, [0, 2]].clamp(0, WIDTH).sort(1).values
    y = many[:, [1, 3]].clamp(0, HEIGHT).sort(1).values
    return torch.stack([x[:, 0], y[:, 0], x[:, 1] + 1, y[:, 1] + 1], 1)


def disks(boxes: torch.Tensor) -> torch.Tensor:
    """Masks [N, HEIGHT, WIDTH]: the ellipse in each box."""
    y = torch.arange(HEIGHT)[:, None] + 0.5
    x = torch.arange(WIDTH)[None, :] + 0.5
    x1, y1, x2, y2 = (boxes[:, k, None, None] for k in range(4))
    inside = ((x - (x1 + x2) / 2) / (x2 - x1) * 2) ** 2 + ((y - (y1 + y2) / 2) / (y2 - y1) * 2) ** 2 <= 1
    return inside.to(torch.uint8)


def region_proposals(truths: torch.Tensor) -> dict[str, torch.Tensor]:
    generator = AnchorGenerator(((16,), (32,)), ((0.5, 1.0, 2.0),) * 2)
    rpn = RegionProposalNetwork(generator, None, 0.7, 0.3, 256, 0.5, {}, {}, 0.7)
    maps = [torch.zeros(1, 1, *grid) for grid in GRIDS]
    images = ImageList(torch.zeros(1, 3, HEIGHT, WIDTH), [(HEIGHT, WIDTH)])
    anchors = generator(images, maps)
    labels, matched = rpn.assign_targets_to_anchors(anchors, [{"boxes": truths}])
    outside = truths.clone()
    outside[2] = torch.tensor([500.0, 500, 510, 510])  # overlaps no anchor: torchvision then matches nearly all
    odd, _ = rpn.assign_targets_to_anchors(anchors, [{"boxes": outside}])
    targets = rpn.box_coder.encode(matched, anchors)[0]
    logits = 2 * torch.randn(len(anchors[0]), 1)
    deltas = 0.3 * torch.randn(len(anchors[0]), 4)
    positive, negative = chosen(labels[0], 24, 96)
    rpn.fg_bg_sampler = fixed(positive, negative)
    objectness, box = rpn.compute_loss(logits, deltas, labels, [targets])
    return {
        "anchors": anchors[0],
        "anchor_labels": labels[0],
        "anchor_labels_outside": odd[0],
        "anchor_iou": box_iou(truths, anchors[0]).max(0).values,
        "anchor_targets": targets,
        "objectness": logits[:, 0],
        "rpn_deltas": deltas,
        "anchor_positive": torch.where(positive)[0],
        "anchor_negative": torch.where(negative)[0],
        "loss_objectness": objectness[None],
        "loss_rpn_box_reg": box[None],
    }


def heads(truths: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
    roi = RoIHeads(None, None, None, 0.5, 0.5, 512, 0.25, None, 0.05, 0.5, 100)
    proposals = torch.cat([noisy(truths, 12, 4), noisy(truths, 8, 20)])
    matched, wanted = roi.assign_targets_to_proposals([proposals], [truths], [labels])
    positive, negative = chosen(wanted[0], 20, 40)
    kept = torch.where(positive | negative)[0]
    targets = roi.box_coder.encode([truths[matched[0][kept]]], [proposals[kept]])
    logits = 2 * torch.randn(len(proposals), CLASSES)
    regression = torch.randn(len(proposals), 4 * CLASSES)
    classifier, box = fastrcnn_loss(logits[kept], regression[kept], [wanted[0][kept]], targets)

    regions = torch.where(positive)[0][:6]
    masks = disks(truths)
    mask_logits = 2 * torch.randn(len(regions), CLASSES, MASK_SIDE, MASK_SIDE)
    mask = maskrcnn_loss(mask_logits, [proposals[regions]], [masks], [labels], [matched[0][regions]])
    return {
        "truth_masks": masks,
        "proposals": proposals,
        "proposal_labels": wanted[0],
        "proposal_matches": matched[0],
        "proposal_positive": torch.where(positive)[0],
        "proposal_negative": torch.where(negative)[0],
        "class_logits": logits,
        "box_regression": regression,
        "loss_classifier": classifier[None],
        "loss_box_reg": box[None],
        "mask_regions": regions,
        "mask_logits": mask_logits[torch.arange(len(regions)), labels[matched[0][regions]]],
        "mask_targets": project_masks_on_boxes(masks, proposals[regions], matched[0][regions], MASK_SIDE),
        "loss_mask": mask[None],
    }


def make_training() -> None:
    torch.manual_seed(SEED)
    truths, labels = torch.tensor(TRUTHS, dtype=torch.float32), torch.tensor(LABELS)
    tensors = {"truths": truths, "truth_labels": labels, **region_proposals(truths), **heads(truths, labels)}
    stored = {name: narrow(tensor) for name, tensor in tensors.items()}
    write("training", stored, {"size": [HEIGHT, WIDTH], "grids": GRIDS, "seed": SEED})


def narrow(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.to(torch.int32) if tensor.dtype == torch.int64 else tensor
