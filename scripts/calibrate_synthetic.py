"""Writes tests/golden/calibration.safetensors: the numbers that make random weights behave.

Random ResNets lose their signal within 53 layers unless every layer is normalised by what it
sees. Here the network is walked once, in order, over two photographs of tests/images:

  - the body's norms take the batch's mean and variance as their running statistics;
  - every other layer gets one factor, so that its outputs have a wanted deviation, and a bias a
    channel, so that they have a wanted mean;
  - the background's class bias is bisected until a wanted number of boxes is detected.

    python scripts/calibrate_synthetic.py        # a minute on two cores

Run it only to change the synthetic weights: all golden files depend on them.
"""

import argparse

import torch
from golden_reference import IMAGES, load_image
from safetensors.torch import save_file
from synthetic_weights import BN_EPS, CALIBRATION, build, digests, tensor_shapes
from torch import Tensor, nn
from torchvision.models.detection.rpn import concat_box_prediction_layers

PHOTOGRAPHS = ["astronaut_480x640", "coffee_427x640"]
MIN_SIZE, MAX_SIZE = 320, 533  # resized pixels
PYRAMID_STD = [0.8, 1.0, 1.4, 1.8]  # of p2..p5: coarse levels, with few cells, get a say too
KNOWN = [  # tensors whose first values are stored, for tests of the generator
    "backbone.body.conv1.weight",
    "backbone.body.layer2.0.bn3.weight",
    "roi_heads.box_head.fc6.weight",
    "roi_heads.mask_predictor.conv5_mask.weight",
]


def calibrate_layer(layer: nn.Module, inputs: list[Tensor], std: float, mean: float = 0.0):
    """Rescales the weight, sets the bias: outputs get this deviation and, a channel, this mean."""
    layer.bias.zero_()
    outputs = torch.cat([layer(x).transpose(0, 1).flatten(1) for x in inputs], 1)  # [C, n]
    centres = outputs.mean(1)
    factor = std / (outputs - centres[:, None]).std()
    layer.weight *= factor
    layer.bias.copy_(mean - centres * factor)
    layer.calibrated_scale = factor.reshape(1)
    return [layer(x) for x in inputs]


def calibrate_body(body: nn.Module, images: Tensor) -> list[Tensor]:
    """images [B, 3, H, W] -> c2..c5, with the norms' running statistics set from this batch."""
    norms = [module for module in body.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = 1.0
    body.train()
    body(images)
    body.eval()
    return list(body(images).values())


def calibrate_pyramid(fpn: nn.Module, stages: list[Tensor]) -> list[Tensor]:
    """c2..c5 -> p2..p6."""
    blocks = zip(fpn.inner_blocks, stages)
    inner = [calibrate_layer(block[0], [c], std=0.7)[0] for block, c in blocks]
    for i in (2, 1, 0):
        inner[i] += nn.functional.interpolate(inner[i + 1], size=inner[i].shape[-2:])
    blocks = zip(fpn.layer_blocks, inner, PYRAMID_STD)
    pyramid = [calibrate_layer(block[0], [m], std)[0] for block, m, std in blocks]
    return pyramid + [pyramid[-1][:, :, ::2, ::2]]


def calibrate_rpn(rpn: nn.Module, images, pyramid: list[Tensor]) -> list[Tensor]:
    """p2..p6 -> proposals [N, 4] of each image."""
    hidden = [h.relu() for h in calibrate_layer(rpn.head.conv[0][0], pyramid, std=1.0)]
    logits = calibrate_layer(rpn.head.cls_logits, hidden, std=1.5, mean=-1.0)
    deltas = calibrate_layer(rpn.head.bbox_pred, hidden, std=0.3)
    anchors = rpn.anchor_generator(images, pyramid)
    counts = [level[0].numel() for level in logits]
    logits, deltas = concat_box_prediction_layers(logits, deltas)
    boxes = rpn.box_coder.decode(deltas, anchors).view(len(anchors), -1, 4)
    return rpn.filter_proposals(boxes, logits, images.image_sizes, counts)[0]


def calibrate_boxes(heads: nn.Module, pyramid: dict, proposals: list[Tensor], sizes, wanted: int):
    """-> boxes [N, 4] detected in each image, `wanted` of them in the first."""
    pooled = heads.box_roi_pool(pyramid, proposals, sizes).flatten(1)
    hidden = calibrate_layer(heads.box_head.fc6, [pooled], std=1.0)[0].relu()
    hidden = calibrate_layer(heads.box_head.fc7, [hidden], std=1.0)[0].relu()
    logits = calibrate_layer(heads.box_predictor.cls_score, [hidden], std=1.5)[0]
    deltas = calibrate_layer(heads.box_predictor.bbox_pred, [hidden], std=1.0)[0]
    low, high = 0.0, 20.0
    for _ in range(20):  # bisection: the more background, the fewer boxes
        background = (low + high) / 2
        shifted = logits.clone()
        shifted[:, 0] += background
        boxes = heads.postprocess_detections(shifted, deltas, proposals, sizes)[0]
        low, high = (background, high) if len(boxes[0]) > wanted else (low, background)
    heads.box_predictor.cls_score.bias[0] += background
    print(f"background bias {background:.4f}: {[len(b) for b in boxes]} boxes")
    return boxes


def calibrate_masks(heads: nn.Module, pyramid: dict, boxes: list[Tensor], sizes) -> None:
    x = heads.mask_roi_pool(pyramid, boxes, sizes)
    for block in heads.mask_head:
        x = calibrate_layer(block[0], [x], std=1.0)[0].relu()
    x = calibrate_layer(heads.mask_predictor.conv5_mask, [x], std=1.0)[0].relu()
    calibrate_layer(heads.mask_predictor.mask_fcn_logits, [x], std=2.0)


def calibrate(model: nn.Module, wanted: int) -> None:
    """Walks the network in the order of the data."""
    images, _ = model.transform([load_image(IMAGES / f"{name}.png") for name in PHOTOGRAPHS])
    stages = calibrate_body(model.backbone.body, images.tensors)
    pyramid = calibrate_pyramid(model.backbone.fpn, stages)
    proposals = calibrate_rpn(model.rpn, images, pyramid)
    named = dict(zip(["0", "1", "2", "3", "pool"], pyramid))
    sizes = images.image_sizes
    boxes = calibrate_boxes(model.roi_heads, named, proposals, sizes, wanted)
    calibrate_masks(model.roi_heads, named, boxes, sizes)


def calibrated_tensors(model: nn.Module) -> dict[str, Tensor]:
    """Running statistics, biases and scales under their checkpoint names, all float32."""
    tensors = {}
    for name, module in model.named_modules():
        if isinstance(module, nn.BatchNorm2d):
            tensors[f"{name}.running_mean"] = module.running_mean
            tensors[f"{name}.running_var"] = module.running_var
        elif hasattr(module, "calibrated_scale"):
            tensors[f"{name}.scale"] = module.calibrated_scale
            tensors[f"{name}.bias"] = module.bias
    return {name: tensor.detach().clone() for name, tensor in tensors.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--detections", type=int, default=45, help="in the first photograph")
    wanted = parser.parse_args().detections
    torch.set_grad_enabled(False)
    sizes = {"min_size": MIN_SIZE, "max_size": MAX_SIZE}
    model = build("maskrcnn", calibration={}, **sizes)
    calibrate(model, wanted)
    calibration = calibrated_tensors(model)
    metadata = {"generator": "scripts/calibrate_synthetic.py", "bn_eps": BN_EPS}
    tensors = dict(calibration)
    for architecture in ("maskrcnn", "fasterrcnn"):
        model = build(architecture, calibration)
        found = {f"{architecture}_{key}": value for key, value in digests(model).items()}
        metadata |= found
        print(found)
        shapes = tensor_shapes(model)
        known = [name for name in KNOWN if name in shapes]
        tensors |= {f"known/{n}": model.state_dict()[n].flatten()[:8].clone() for n in known}
    CALIBRATION.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, CALIBRATION, metadata)
    print(f"{CALIBRATION}: {CALIBRATION.stat().st_size} bytes")


if __name__ == "__main__":
    main()
