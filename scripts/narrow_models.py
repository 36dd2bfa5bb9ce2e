"""torchvision's detectors with few channels, and weights for them that a list of numbers makes again anywhere.

The modules are torchvision's own; only widths differ, which the engine reads from the tensors. Depth, groups, strides,
norms, heads, and names are those of the published models.
"""

import math

import torch
from synthetic_weights import uniform
from torch import Tensor, nn
from torchvision.models import resnet
from torchvision.models.detection import (
    FasterRCNN,
    KeypointRCNN,
    MaskRCNN,
    fasterrcnn_mobilenet_v3_large_320_fpn,
    fasterrcnn_mobilenet_v3_large_fpn,
)
from torchvision.models.detection.backbone_utils import BackboneWithFPN
from torchvision.models.detection.faster_rcnn import FastRCNNConvFCHead, FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.keypoint_rcnn import KeypointRCNNHeads, KeypointRCNNPredictor
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
from torchvision.models.detection.rpn import AnchorGenerator, RPNHead

C = 64  # of the pyramid and the heads
HIDDEN = 128
DEPTHS = {18: [2, 2, 2, 2], 34: [3, 4, 6, 3], 50: [3, 4, 6, 3], 101: [3, 4, 23, 3], 152: [3, 8, 36, 3]}


def narrow_resnet_fpn(
    depth: int,
    groups: int = 1,
    width: int = 16,
    layers: tuple[int, ...] = (1, 2, 3, 4),
    channels: int = C,
    norm: type[nn.Module] | None = None,
) -> BackboneWithFPN:
    """resnet_fpn_backbone of a ResNet whose 3x3 convolutions are narrow: `width` of 64 of them."""
    block = resnet.BasicBlock if depth < 50 else resnet.Bottleneck
    width = 64 if depth < 50 else width  # a BasicBlock has no other
    body = resnet.ResNet(block, DEPTHS[depth], groups=groups, width_per_group=width)
    incoming = [64 * block.expansion * 2 ** (layer - 1) for layer in layers]
    returned = {f"layer{layer}": str(i) for i, layer in enumerate(layers)}
    return BackboneWithFPN(body, returned, incoming, channels, norm_layer=norm)


def anchors(levels: int) -> AnchorGenerator:
    sizes = tuple((32 * 2**level,) for level in range(levels))
    return AnchorGenerator(sizes, ((0.5, 1.0, 2.0),) * levels)


def faster(classes: int = 91, **backbone) -> nn.Module:
    """fasterrcnn_resnet50_fpn, and any resnet_fpn_backbone; no weights yet, as in all that follow."""
    body = narrow_resnet_fpn(**backbone)
    levels = len(backbone.get("layers", (1, 2, 3, 4))) + 1
    head = TwoMLPHead(body.out_channels * 49, HIDDEN)
    predictor = FastRCNNPredictor(HIDDEN, classes)
    return FasterRCNN(body, rpn_anchor_generator=anchors(levels), box_head=head, box_predictor=predictor)


def mask(classes: int = 91) -> nn.Module:
    """maskrcnn_resnet50_fpn"""
    heads = {"box_head": TwoMLPHead(C * 49, HIDDEN), "box_predictor": FastRCNNPredictor(HIDDEN, classes)}
    heads |= {"mask_head": MaskRCNNHeads(C, [C] * 4, 1), "mask_predictor": MaskRCNNPredictor(C, C, classes)}
    return MaskRCNN(narrow_resnet_fpn(50), **heads)


def v2_parts(classes: int) -> dict[str, nn.Module]:
    """What fasterrcnn_resnet50_fpn_v2 and maskrcnn_resnet50_fpn_v2 share."""
    box = FastRCNNConvFCHead((C, 7, 7), [C] * 4, [HIDDEN], norm_layer=nn.BatchNorm2d)
    rpn = RPNHead(C, 3, conv_depth=2)
    return {"rpn_head": rpn, "box_head": box, "box_predictor": FastRCNNPredictor(HIDDEN, classes)}


def faster_v2(classes: int = 91) -> nn.Module:
    return FasterRCNN(narrow_resnet_fpn(50, norm=nn.BatchNorm2d), **v2_parts(classes))


def mask_v2(classes: int = 91) -> nn.Module:
    heads = MaskRCNNHeads(C, [C] * 4, 1, norm_layer=nn.BatchNorm2d)
    predictor = MaskRCNNPredictor(C, C, classes)
    backbone = narrow_resnet_fpn(50, norm=nn.BatchNorm2d)
    return MaskRCNN(backbone, mask_head=heads, mask_predictor=predictor, **v2_parts(classes))


def keypoint() -> nn.Module:
    """keypointrcnn_resnet50_fpn"""
    heads = {"box_head": TwoMLPHead(C * 49, HIDDEN), "box_predictor": FastRCNNPredictor(HIDDEN, 2)}
    heads["keypoint_head"] = KeypointRCNNHeads(C, (C,) * 8)
    heads["keypoint_predictor"] = KeypointRCNNPredictor(C, 17)
    return KeypointRCNN(narrow_resnet_fpn(50), **heads)


def mobilenet(small: bool) -> nn.Module:
    """Not narrow: fasterrcnn_mobilenet_v3_large_fpn, or _320_fpn, with a narrow box head."""
    make = fasterrcnn_mobilenet_v3_large_320_fpn if small else fasterrcnn_mobilenet_v3_large_fpn
    model = make(weights=None, weights_backbone=None)
    model.roi_heads.box_head = TwoMLPHead(256 * 49, HIDDEN)
    model.roi_heads.box_predictor = FastRCNNPredictor(HIDDEN, 91)
    return model


# Standard deviations of the outputs of layers that decide, so that neither none nor all is found.
TARGETS = {
    "inner_blocks": 1.0,
    "cls_logits": 2.0,
    "rpn.head.bbox_pred": 0.3,
    "cls_score": 2.5,
    "box_predictor.bbox_pred": 1.0,
    "mask_fcn_logits": 2.0,
    "kps_score_lowres": 1.0,
    "fc6": 1.0,
    "box_head.5": 1.0,
}


def role(name: str, shape: torch.Size) -> tuple[float, float]:
    """Mean and amplitude of a tensor's uniform values."""
    if name.endswith("running_var"):
        return 1.0, 0.5
    if name.endswith(("bias", "running_mean")):
        return 0.0, 0.1
    if len(shape) == 1:  # a norm's weight; small at the end of a residual branch, so that little noise grows
        return (0.3, 0.1) if name.endswith("bn3.weight") else (1.0, 0.2)
    fan = shape[0] * 4 if "kps_score" in name else shape[0] if "conv5_mask" in name else math.prod(shape[1:])
    return 0.0, math.sqrt(6 / fan)


Weights = dict[str, tuple[list[int], float, float]]  # name -> shape, mean, amplitude


def measure_norms(model: nn.Module, run) -> dict[str, Tensor]:
    """Statistics of all norms over one `run`, put into the model, for a trunk that without them sees nothing: signals
    of MobileNetV3, which has shortcuts around few blocks, would all come out alike."""
    norms = {n: m for n, m in model.named_modules() if isinstance(m, nn.BatchNorm2d)}
    for norm in norms.values():
        norm.momentum = 1.0
        norm.train()
    run()
    model.eval()
    parts = [(f"{n}.{part}", getattr(m, part)) for n, m in norms.items() for part in ("running_mean", "running_var")]
    return {name: values.clone() for name, values in parts}


def calibrate(model: nn.Module, run, measured: bool = False) -> tuple[Weights, dict[str, Tensor]]:
    """Weights by `role`, those of TARGETS scaled to their deviations in one `run` of the model, and put into it; and
    the norms' statistics, where they are to be `measured`."""
    state = {n: t for n, t in model.state_dict().items() if not n.endswith("num_batches_tracked")}
    weights = {n: (list(t.shape), *role(n, t.shape)) for n, t in state.items()}
    fill(model, weights)

    def scale(name: str):
        def hook(module: nn.Module, inputs: tuple, output: Tensor) -> Tensor | None:
            if name in scaled:
                return None  # the RPN's run once a level
            axes = [1, -1, 1, 1][: output.dim()] if output.dim() == 4 else [1, -1]
            bias = 0 if module.bias is None else module.bias.view(axes)
            factor = TARGETS[next(key for key in TARGETS if key in name)] / float((output - bias).std())
            scaled[name] = factor
            module.weight.mul_(factor)
            return (output - bias) * factor + bias

        return hook

    given = measure_norms(model, run) if measured else {}
    scaled: dict[str, float] = {}
    layers = {n: m for n, m in model.named_modules() if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear))}
    chosen = {n: m for n, m in layers.items() if any(key in n for key in TARGETS)}
    hooks = [module.register_forward_hook(scale(name)) for name, module in chosen.items()]
    run()
    for hook in hooks:
        hook.remove()
    for name, factor in scaled.items():
        shape, mean, amplitude = weights[f"{name}.weight"]
        weights[f"{name}.weight"] = (shape, mean, amplitude * factor)
    fill(model, weights, given)
    return weights, given


def fill(model: nn.Module, weights: Weights, given: dict[str, Tensor] | None = None) -> None:
    """Puts the weights into a model, by its own names; those that are `given` as they are."""
    state = {}
    for name, (shape, mean, amplitude) in weights.items():
        if given and name in given:
            state[name] = given[name]
            continue
        values = uniform(name, math.prod(shape), mean, amplitude)
        state[name] = torch.from_numpy(values).view(shape)
    missing, unexpected = model.load_state_dict(state, strict=False)
    wrong = [n for n in missing if not n.endswith("num_batches_tracked")] + unexpected
    if wrong:
        raise ValueError(f"weights do not fit the model: {wrong}")
    model.eval()
