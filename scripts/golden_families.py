"""family_<case>.safetensors: every row of the engine's profile table, pixels to detections, in float64 and float32.

torchvision's families are run by torchvision, on narrow models (narrow_models.py); the others by an independent
program (family_reference.py). A file holds the list of its weights, so that the test can make them: for each tensor
its name in the family's files, the name that seeds it, shape, mean and amplitude (synthetic_weights.py `uniform`).

    python scripts/golden_families.py [WORD]    # files whose name contains it
"""

import sys
from dataclasses import dataclass, field

import numpy as np
import torch
from family_names import family_name
from family_input import Family
from family_reference import Rcnn
from golden_e2e import run as run_torchvision
from golden_reference import IMAGES, digest, in_double, load_pixels, summary, to_image, write
from narrow_models import Weights, calibrate, faster, faster_v2, keypoint, mask, mask_v2, mobilenet
from torch import Tensor, nn

ASTRONAUT, COFFEE = "astronaut_480x640", "coffee_427x640"


@dataclass(frozen=True)
class Case:
    architecture: str  # as a file says in its metadata; "" where it does not
    model: object  # makes it
    sizes: tuple[int, int] = (192, 320)
    detections: int = 30  # about so many
    image: str = ASTRONAUT
    old_names: bool = False
    options: dict = field(default_factory=dict)  # of the engine's `load`, besides sizes and threshold
    features: bool = False  # only the pyramid
    measured: bool = False  # the norms' statistics: they are in the file


def backbone(depth: int, **options) -> Case:
    """resnet_fpn_backbone: up to the RPN's head; where layers are left out, all of it."""
    layers = options.get("layers", (1, 2, 3, 4))
    levels = len(layers) + 1
    anchor = {"anchorSizes": [[32 * 2**i] for i in range(levels)], "anchorRatios": [[0.5, 1, 2]] * levels}
    make = lambda: faster(classes=5, depth=depth, **options)  # noqa: E731
    if levels == 5:
        return Case("", make, (96, 160), features=True)
    return Case("", make, options=anchor)


def family(name: str, **options):
    return lambda: Rcnn(Family(name, **options))


MASKS = "torchvision/maskrcnn_resnet50_fpn"
CASES = {
    "tv_mask": Case(MASKS, mask, old_names=True, options={"bnEps": 1e-5}),
    "tv_faster": Case("torchvision/fasterrcnn_resnet50_fpn", lambda: faster(depth=50), image=COFFEE),
    "tv_mask_v2": Case("torchvision/maskrcnn_resnet50_fpn_v2", mask_v2),
    "tv_faster_v2": Case("", faster_v2, image=COFFEE),
    "tv_keypoint": Case("torchvision/keypointrcnn_resnet50_fpn", keypoint),
    "tv_mobile": Case("", lambda: mobilenet(False), measured=True),
    "tv_mobile_320": Case(
        "torchvision/fasterrcnn_mobilenet_v3_large_320_fpn", lambda: mobilenet(True), measured=True
    ),
    "d2_faster_50": Case("detectron2/faster_rcnn_R_50_FPN", family("detectron2", heads="faster"), image=COFFEE),
    "d2_mask_50": Case("", family("detectron2")),
    "d2_mask_101": Case("detectron2/mask_rcnn_R_101_FPN", family("detectron2", depth=101), image=COFFEE),
    "d2_mask_x101": Case("", family("detectron2", depth=101, groups=32, width=2)),
    "d2_keypoint": Case("detectron2/keypoint_rcnn_R_50_FPN", family("detectron2", heads="keypoint")),
    "benchmark": Case("", family("maskrcnn-benchmark")),
    "mmdetection": Case("", family("mmdetection")),
    "resnet18": backbone(18),
    "resnet34": backbone(34),
    "resnet101": backbone(101),
    "resnet152": backbone(152),
    "resnext50_32x4d": backbone(50, groups=32, width=4),
    "resnext101_32x8d": backbone(101, groups=32, width=2),
    "resnext101_64x4d": backbone(101, groups=64, width=2),
    "wide_resnet50_2": backbone(50, width=32),
    "wide_resnet101_2": backbone(101, width=32),
    "layers_2_4_of_48": backbone(50, layers=(2, 4), channels=48),
    "layers_1_3_of_30": backbone(50, layers=(1, 3), channels=30),
}


def configure(case: Case, model: nn.Module, score: float) -> None:
    """Sizes, and the score above which something is found."""
    if isinstance(model, Rcnn):
        model.min_size, model.max_size = case.sizes
        model.score_thresh = score
        return
    model.transform.min_size, model.transform.max_size = case.sizes[:1], case.sizes[1]
    model.roi_heads.score_thresh = score


def file_name(case: Case, model: nn.Module, name: str) -> str:
    """What the family's files call a tensor."""
    if isinstance(model, Rcnn):
        return family_name(model.family.name, name)
    if not case.old_names:
        return name
    for i in range(4):
        name = name.replace(f"mask_head.{i}.0.", f"mask_head.mask_fcn{i + 1}.")
        name = name.replace(f"inner_blocks.{i}.0.", f"inner_blocks.{i}.")
        name = name.replace(f"layer_blocks.{i}.0.", f"layer_blocks.{i}.")
    return name.replace("rpn.head.conv.0.0.", "rpn.head.conv.")


def labels(model: nn.Module) -> dict[str, nn.Module]:
    """Modules whose outputs are kept, by the engine's labels: the last of each stage, the pyramid, the RPN's maps."""
    body, fpn, head = model.backbone.body, model.backbone.fpn, model.rpn.head
    watched = {}
    for name, layer in body.items():
        if name.startswith("layer"):
            last = len(layer) - 1
            convolution = "conv3" if hasattr(layer[last], "conv3") else "conv2"
            watched[f"backbone.body.{name}.{last}.{convolution}"] = layer[last]
        if name in ("13", "16"):
            watched[f"backbone.body.{name}" + (".block.3.0" if name == "13" else ".0")] = layer
    for i, block in enumerate(fpn.layer_blocks):
        watched[f"backbone.fpn.layer_blocks.{i}.0"] = block
    return watched | {"rpn.head.cls_logits": head.cls_logits, "rpn.head.bbox_pred": head.bbox_pred}


def watch(model: nn.Module, seen: dict[str, Tensor]) -> list:
    """Keeps clones of outputs; of the RPN's, those of each level."""

    def keep(label: str):
        level = iter(range(2, 8))

        def hook(module, inputs, output):
            key = f"{label}@p{next(level)}" if label.startswith("rpn") else label
            seen[key] = output.detach().clone()

        return hook

    def keep_image(module, inputs):
        seen["image"] = inputs[0].detach().clone()

    hooks = [module.register_forward_hook(keep(label)) for label, module in labels(model).items()]
    return [*hooks, model.backbone.register_forward_pre_hook(keep_image)]


def run(case: Case, model: nn.Module, pixels: np.ndarray) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """What was found, and the outputs of `labels`."""
    seen = {}
    hooks = watch(model, seen)
    found = model(pixels) if isinstance(model, Rcnn) else run_keeping_keypoints(model, to_image(pixels))
    for hook in hooks:
        hook.remove()
    if "soft" in found:
        soft = found.pop("soft")
        at_least = isinstance(model, Rcnn) and model.family.name != "maskrcnn-benchmark"
        found["mask_areas"] = (soft >= 0.5 if at_least else soft > 0.5).sum((1, 2))
        found["mask_doubtful"] = ((soft - 0.5).abs() < 1e-4).sum((1, 2))
    return found, seen


def run_keeping_keypoints(model: nn.Module, image: Tensor) -> dict[str, Tensor]:
    """golden_e2e's `run`, with what a keypoint head finds."""
    kept = {}

    def keep(module, inputs, output):
        if "keypoints" in output[0]:
            kept["keypoints"] = torch.cat(
                [output[0]["keypoints"][:, :, :2], output[0]["keypoints_scores"][:, :, None]], 2
            )
        if "masks" in output[0]:
            kept["soft"] = output[0]["masks"][:, 0].double()

    hook = model.register_forward_hook(lambda module, inputs, output: keep(module, inputs, output))
    found = run_torchvision(model, image)
    hook.remove()
    found = {k: v for k, v in found.items() if k not in ("class_logits", "box_regression", "mask_areas")}
    return found | kept


def nearest(want: dict[str, Tensor], got: dict[str, Tensor]) -> list[int] | None:
    """For each wanted detection that of `got`; None if they are not the same ones."""
    if len(want["labels"]) != len(got["labels"]):
        return None
    indices = []
    for box, label, score in zip(want["boxes"], want["labels"], want["scores"]):
        distance = (got["boxes"].double() - box).abs().amax(1) + 1000 * (got["scores"].double() - score).abs()
        distance[got["labels"] != label] = torch.inf
        indices.append(int(distance.argmin()))
    return indices if len(set(indices)) == len(indices) else None


def threshold(detections: int, scores: Tensor) -> float:
    """In the widest gap of the scores near the wanted number of detections, so that no rounding crosses it."""
    first, last = int(detections * 0.7), min(int(detections * 1.3), len(scores))
    if last - first < 2:
        return 0.05
    near = scores.sort(descending=True).values[first:last]
    widest = int((near[:-1] - near[1:]).argmax())
    return round(float(near[widest : widest + 2].mean()), 6)


def make(name: str) -> None:
    case = CASES[name]
    pixels = load_pixels(IMAGES / f"{case.image}.png")
    model = case.model()
    configure(case, model, 0.05)
    model.eval()
    weights, given = calibrate(model, lambda: run(case, model, pixels), case.measured)
    score = threshold(case.detections, run(case, model, pixels)[0]["scores"])
    configure(case, model, score)
    single, single_maps = run(case, model, pixels)
    if isinstance(model, Rcnn):
        model.double().dtype = torch.float64
    else:
        in_double(model)
    double, double_maps = run(case, model, pixels)
    tensors, worst = {f"given/{file_name(case, model, n)}": t for n, t in given.items()}, 0.0
    for label, output in double_maps.items():
        tensors |= summary(label, output, 256)
        worst = max(worst, float((single_maps[label].double() - output).abs().max() / output.abs().max()))
    findings = {"float32_noise_maps": f"{worst:.3g}", "detections": len(double["labels"])}
    if not case.features:
        indices = nearest(double, single)
        findings["float32_agrees"] = indices is not None
        for key, value in double.items():
            if key in ("proposals",):
                continue
            kind = torch.float32 if value.is_floating_point() else torch.int32
            tensors[f"float64/{key}"] = value.to(kind)
            if indices and value.is_floating_point():
                difference = (single[key][indices].double() - value).abs().max()
                findings[f"float32_noise_{key}"] = f"{float(difference):.3g}"
    write(f"family_{name}", tensors, describe(case, model, weights, score) | {"image_sha256": digest(pixels)} | findings)
    print("   ", findings, flush=True)


def describe(case: Case, model: nn.Module, weights: Weights, score: float) -> dict[str, object]:
    """What the test needs to run the same: the file's tensors and metadata, the options of `load`."""
    listed = [[file_name(case, model, n), n, *values] for n, values in weights.items()]
    options = {"minSize": case.sizes[0], "maxSize": case.sizes[1], "boxScoreThresh": score}
    return {
        "script": "scripts/golden_families.py",
        "architecture": case.architecture,
        "image": f"tests/images/{case.image}.png",
        "options": options | case.options,
        "tensors": listed,
    }


def main() -> None:
    torch.set_grad_enabled(False)
    word = sys.argv[1] if len(sys.argv) > 1 else ""
    for name in CASES:
        if word in name:
            print(name, flush=True)
            make(name)


if __name__ == "__main__":
    main()
