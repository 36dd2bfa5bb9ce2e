"""Stage goldens: each stage's output, every stage fed with the reference's own input.

    stages.safetensors            proposals, detections, masks, and small tensors in full
    stages_features.safetensors   P2..P6 in full, the input of all of them
    transforms.safetensors        the network's input for every test picture, thinned to samples

One float32 run over a picture of 120x160 pixels, stored as bytes, resized to 64x85.
"""

import numpy as np
import torch
from golden_reference import IMAGES, digest, load_pixels, summary, to_image, write
from synthetic_weights import build
from torch import Tensor, nn
from torchvision.models.detection.roi_heads import maskrcnn_inference
from torchvision.models.detection.rpn import concat_box_prediction_layers

LEVELS = ["p2", "p3", "p4", "p5", "p6"]
OPTIONS = {
    "min_size": 64,
    "max_size": 128,
    "rpn_post_nms_top_n_test": 200,
    "box_score_thresh": 0.005,
    "box_detections_per_img": 24,
}
SAMPLES = 8192
# resized pixels, x1 y1 x2 y2: every pyramid level, borders, slivers; some lie outside the image
PROBES = [
    [3.3, 5.1, 40.7, 60.2],
    [10.0, 20.0, 10.5, 20.25],
    [0.0, 0.0, 85.0, 64.0],
    [-20.0, -10.0, 30.0, 30.0],
    [60.0, 40.0, 120.0, 90.0],
    [-30.0, -30.0, 90.0, 82.0],
    [-100.0, -90.0, 150.0, 140.0],
    [-200.0, -220.0, 270.0, 250.0],
    [0.0, 0.0, 112.0, 112.0],
    [0.0, 0.0, 224.0, 223.999],
    [20.0, 20.0, 20.0, 40.0],
    [300.0, 300.0, 340.0, 330.0],
]
TRANSFORMS = [  # picture, min_size, max_size
    ("astronaut_480x640", 320, 533),
    ("astronaut_480x640", 192, 320),
    ("astronaut_480x640", 600, 800),
    ("coffee_427x640", 192, 320),
    ("coffee_427x640", 500, 1333),
    ("cat_60x1500", 192, 640),
    ("cat_60x1500", 800, 1333),
    ("cat_1x1", 128, 320),
    ("nuclei_192x256", 512, 1024),
]


def run_rpn(model: nn.Module, images, features: dict[str, Tensor]) -> dict[str, Tensor]:
    """logits [H, W, A] flattened and deltas [H W A, 4] of each level; proposals [R, 4]."""
    maps = list(features.values())
    objectness, deltas = model.rpn.head(maps)
    anchors = model.rpn.anchor_generator(images, maps)
    counts = [level[0].numel() for level in objectness]
    logits, deltas = concat_box_prediction_layers(objectness, deltas)
    boxes = model.rpn.box_coder.decode(deltas, anchors).view(1, -1, 4)
    proposals, scores = model.rpn.filter_proposals(boxes, logits, images.image_sizes, counts)
    stages = {"anchors": anchors[0], "proposals": proposals[0], "proposal_scores": scores[0]}
    for level, logit, delta in zip(LEVELS, logits.flatten().split(counts), deltas.split(counts)):
        stages |= {f"rpn_logits/{level}": logit, f"rpn_deltas/{level}": delta}
    return stages


def run_boxes(heads: nn.Module, features, proposals: Tensor, sizes) -> dict[str, Tensor]:
    """class_logits [R, 91], box_regression [R, 364]; detections in resized pixels."""
    pooled = heads.box_roi_pool(features, [proposals], sizes)
    hidden = heads.box_head(pooled)
    logits, deltas = heads.box_predictor(hidden)
    found = heads.postprocess_detections(logits, deltas, [proposals], sizes)
    boxes, scores, labels = (values[0] for values in found)
    stages = {"class_logits": logits, "box_regression": deltas}
    stages |= {"detections/boxes": boxes, "detections/scores": scores, "detections/labels": labels}
    probes = torch.tensor(PROBES)
    levels = heads.box_roi_pool.map_levels([probes]).int()
    stages |= {"probes/boxes": probes, "probes/levels": levels}
    probed = heads.box_roi_pool(features, [probes], sizes)
    stages |= summary("probes/pooled", probed, 2 * SAMPLES)
    return stages | summary("box_pooled", pooled, SAMPLES) | summary("box_hidden", hidden, SAMPLES)


def run_masks(heads: nn.Module, features, boxes: Tensor, labels: Tensor, sizes):
    """mask_probabilities [N, 28, 28] of the detections' own labels."""
    pooled = heads.mask_roi_pool(features, [boxes], sizes)
    logits = heads.mask_predictor(heads.mask_head(pooled))
    (masks,) = maskrcnn_inference(logits, [labels])
    stages = summary("mask_pooled", pooled, SAMPLES) | summary("mask_logits", logits, SAMPLES)
    return stages | {"mask_probabilities": masks[:, 0]}


def paste(model: nn.Module, stages: dict[str, Tensor], resized, original) -> dict[str, Tensor]:
    """final/boxes [N, 4] in the image's pixels; pasted/bits: soft mask > 0.5, row by row, the
    first pixel in the highest bit; pasted/doubtful [N]: pixels within 1e-4 of 0.5."""
    result = {
        "boxes": stages["detections/boxes"].clone(),
        "masks": stages["mask_probabilities"][:, None],
    }
    final = model.transform.postprocess([result], [resized], [original])[0]
    soft = final["masks"][:, 0]
    bits = np.packbits((soft > 0.5).flatten(1).numpy(), axis=1)
    return {
        "final/boxes": final["boxes"],
        "pasted/bits": torch.from_numpy(bits),
        "pasted/areas": (soft > 0.5).sum((1, 2)).int(),
        "pasted/doubtful": ((soft - 0.5).abs() < 1e-4).sum((1, 2)).int(),
        **summary("pasted/soft", soft, SAMPLES),
    }


def make_stages(name: str) -> None:
    """Writes stages.safetensors and stages_features.safetensors."""
    pixels = np.ascontiguousarray(load_pixels(IMAGES / f"{name}.png")[::4, ::4])
    image = to_image(pixels)
    model = build("maskrcnn", **OPTIONS)
    images, _ = model.transform([image])
    features = model.backbone(images.tensors)
    sizes, heads = images.image_sizes, model.roi_heads
    stages = {"image": torch.from_numpy(pixels), "canvas": images.tensors[0]}
    stages |= run_rpn(model, images, features)
    stages |= run_boxes(heads, features, stages["proposals"], sizes)
    boxes, labels = stages["detections/boxes"], stages["detections/labels"]
    stages |= run_masks(heads, features, boxes, labels, sizes)
    stages |= paste(model, stages, sizes[0], image.shape[-2:])
    stages["detections/labels"] = labels.int()
    facts = {"architecture": "maskrcnn", "weights": "synthetic", **OPTIONS}
    facts |= {"image": f"tests/images/{name}.png, every 4th pixel", "resized": list(sizes[0])}
    facts |= {"proposals": len(stages["proposals"]), "detections": len(boxes)}
    write("stages", stages, facts)
    write("stages_features", {k: f[0] for k, f in zip(LEVELS, features.values())}, facts)
    print("   ", facts, flush=True)


def make_transforms() -> None:
    """Writes transforms.safetensors: `<image>@<min>-<max>/...` for each picture and size."""
    model = build("maskrcnn")
    tensors, facts = {}, {}
    for name, smaller, larger in TRANSFORMS:
        pixels = load_pixels(IMAGES / f"{name}.png")
        model.transform.min_size, model.transform.max_size = (smaller,), larger
        images, _ = model.transform([to_image(pixels)])
        label = f"{name}@{smaller}-{larger}"
        tensors |= summary(label, images.tensors[0], 4096)
        tensors[f"{label}/resized"] = torch.tensor(images.image_sizes[0], dtype=torch.int32)
        facts[f"{name}_sha256"] = digest(pixels)
    write("transforms", tensors, facts)
