"""End-to-end golden files: picture in, detections out, in float64 and in float32.

The difference between the two runs is the noise any float32 engine may show; it goes into the
metadata, with the distance of the nearest decision (score or overlap) from its threshold.
"""

from dataclasses import dataclass, field

import torch
from golden_reference import IMAGES, ROOT, digest, in_double, load_pixels, to_image, write
from nuclei_model import load_model
from synthetic_weights import build
from torch import Tensor, nn
from torchvision.ops import box_iou

NUCLEI = ROOT / "models/nuclei.safetensors"


@dataclass(frozen=True)
class Case:
    image: str  # tests/images/<image>.png
    sizes: tuple[int, int] | None = None  # min_size, max_size in pixels; None: the model's own
    architecture: str = "maskrcnn"
    options: dict = field(default_factory=dict)  # of torchvision's constructor


ASTRONAUT, COFFEE = "astronaut_480x640", "coffee_427x640"
SMALL = (192, 320)
FEW_A_LEVEL = {"rpn_pre_nms_top_n_test": 64, "box_score_thresh": 0.00543}  # so that none dominates
CASES = {
    "astronaut": Case(ASTRONAUT, (320, 533)),
    "coffee": Case(COFFEE, SMALL, options={"box_score_thresh": 0.0095}),
    "strip": Case("cat_60x1500", (192, 640), options={"box_score_thresh": 0.000285}),
    "pixel": Case("cat_1x1", (128, 320), options={"box_score_thresh": 0.000205}),
    "none": Case(ASTRONAUT, SMALL, options={"box_score_thresh": 0.99}),
    "one": Case(ASTRONAUT, SMALL, options={"box_detections_per_img": 1}),
    "hundred": Case(ASTRONAUT, (184, 320), options={"box_score_thresh": 0.003}),
    "faster": Case(ASTRONAUT, (256, 427), "fasterrcnn", {"box_score_thresh": 0.013}),
    "levels": Case(ASTRONAUT, (464, 640), options=FEW_A_LEVEL),
    "nuclei": Case("nuclei_192x256", architecture="nuclei"),
}


def case_model(case: Case) -> nn.Module:
    """The model a case asks for, with its sizes and thresholds; not yet cast."""
    if case.architecture == "nuclei":
        return load_model(NUCLEI)
    options = dict(case.options)
    options["min_size"], options["max_size"] = case.sizes
    return build(case.architecture, **options)


def run(model: nn.Module, image: Tensor) -> dict[str, Tensor]:
    """image [3, H, W] -> boxes [N, 4], labels [N], scores [N] and, of a Mask R-CNN, masks
    [N, 28, 28] before and mask_areas [N] (pixels > 0.5) after pasting; proposals [R, 4] and the
    box head's class_logits [R, K], box_regression [R, 4 K]."""
    seen = {}

    def keep_inputs(module, inputs):
        seen["proposals"] = inputs[1][0]

    def keep_logits(module, inputs, outputs):
        seen["class_logits"], seen["box_regression"] = outputs

    def keep_masks(module, inputs, outputs):
        if "masks" in outputs[0][0]:
            seen["masks"] = outputs[0][0]["masks"][:, 0].clone()

    heads = model.roi_heads
    hooks = [
        heads.register_forward_pre_hook(keep_inputs),
        heads.box_predictor.register_forward_hook(keep_logits),
        heads.register_forward_hook(keep_masks),
    ]
    output = model([image])[0]
    for hook in hooks:
        hook.remove()
    if "masks" in output:
        seen["mask_areas"] = (output["masks"][:, 0] > 0.5).sum((1, 2))
    return seen | {key: output[key] for key in ("boxes", "labels", "scores")}


def match(want: dict[str, Tensor], got: dict[str, Tensor]) -> list[int] | None:
    """For each wanted detection the index of the nearest of the same label; None if not 1:1."""
    if len(want["labels"]) != len(got["labels"]):
        return None
    indices = []
    for box, label in zip(want["boxes"], want["labels"]):
        distance = (got["boxes"].double() - box).abs().amax(1)
        distance[got["labels"] != label] = torch.inf
        indices.append(int(distance.argmin()))
    return indices if len(set(indices)) == len(indices) else None


def noise(want: dict[str, Tensor], got: dict[str, Tensor]) -> dict[str, object]:
    """Largest differences between matched detections of two runs."""
    indices = match(want, got)
    if indices is None:
        return {"float32_agrees": False, "float32_detections": len(got["labels"])}
    result = {"float32_agrees": True, "float32_same_order": indices == sorted(indices)}
    for key in ("boxes", "scores", "masks", "mask_areas"):
        if key in want and len(indices):
            difference = (got[key][indices].double() - want[key]).abs().max()
            result[f"float32_noise_{key}"] = f"{float(difference):.3g}"
    distance = torch.cdist(want["proposals"], got["proposals"].double(), p=torch.inf)
    result["float32_proposals_lost"] = int((distance.amin(1) > 0.01).sum())
    return result


def margins(model: nn.Module, result: dict[str, Tensor], size: tuple[int, int]) -> dict[str, str]:
    """How far the nearest score and overlap lie from the thresholds, and the last detection's
    score from that of the first one cut off; `size` is the resized image's."""
    heads = model.roi_heads
    kept, heads.nms_thresh = heads.nms_thresh, 2.0  # so that nothing is suppressed
    limit, heads.detections_per_img = heads.detections_per_img, 1_000_000
    threshold, heads.score_thresh = heads.score_thresh, heads.score_thresh * 0.9
    logits, deltas = result["class_logits"], result["box_regression"]
    (boxes,), (scores,), (labels,) = heads.postprocess_detections(
        logits, deltas, [result["proposals"]], [size]
    )
    heads.nms_thresh, heads.score_thresh = kept, threshold
    ranked = heads.postprocess_detections(logits, deltas, [result["proposals"]], [size])[1][0]
    heads.detections_per_img = limit
    candidates = scores > threshold
    found = {"candidates": str(int(candidates.sum()))}
    if len(ranked) > limit:
        found["margin_limit"] = f"{float(ranked[limit - 1] - ranked[limit]):.3g}"
    if len(scores):
        found["margin_score"] = f"{float((scores - threshold).abs().min()):.3g}"
    boxes, labels = boxes[candidates], labels[candidates]
    overlaps = box_iou(boxes, boxes)[(labels[:, None] == labels).triu(1)]
    if len(overlaps):
        found["margin_iou"] = f"{float((overlaps - heads.nms_thresh).abs().min()):.3g}"
    gaps = result["scores"][:-1] - result["scores"][1:]
    if len(gaps):
        found["smallest_score_gap"] = f"{float(gaps.min()):.3g}"
    return found


def stored(result: dict[str, Tensor], dtype: str) -> dict[str, Tensor]:
    """What a file keeps of a run: floats as float32, integers as int32."""
    keys = ["boxes", "labels", "scores", "masks", "mask_areas"]
    keys += ["proposals"] if dtype == "float64" else []
    tensors = {f"{dtype}/{key}": result[key] for key in keys if key in result}
    kinds = {True: torch.float32, False: torch.int32}
    return {key: tensor.to(kinds[tensor.is_floating_point()]) for key, tensor in tensors.items()}


def make_case(name: str, dtypes: list[str]) -> None:
    """Writes e2e_<name>.safetensors; the float64 run is always made."""
    case = CASES[name]
    pixels = load_pixels(IMAGES / f"{case.image}.png")
    image = to_image(pixels)
    model = case_model(case)
    results = {}
    if "float32" in dtypes:
        results["float32"] = run(model, image)
    in_double(model)
    results["float64"] = run(model, image)
    resized = tuple(model.transform([image])[0].image_sizes[0])
    settings = describe(case, model) | {"image_sha256": digest(pixels)}
    findings = {"resized": list(resized), "detections": len(results["float64"]["labels"])}
    findings |= margins(model, results["float64"], resized)
    if "float32" in results:
        findings |= noise(results["float64"], results["float32"])
    tensors = {k: t for dtype, result in results.items() for k, t in stored(result, dtype).items()}
    write(f"e2e_{name}", tensors, settings | findings)
    print("   ", findings, flush=True)


def describe(case: Case, model: nn.Module) -> dict[str, object]:
    """The settings a reader must give the engine to get the same result."""
    if case.architecture == "nuclei":
        name = str(NUCLEI.relative_to(ROOT))
        weights = {"weights": name, "weights_sha256": digest(NUCLEI.read_bytes())}
    else:
        weights = {"weights": "synthetic"}
    return weights | {
        "architecture": case.architecture,
        "image": f"tests/images/{case.image}.png",
        "min_size": model.transform.min_size[-1],
        "max_size": model.transform.max_size,
        "rpn_pre_nms_top_n": model.rpn.pre_nms_top_n(),
        "rpn_post_nms_top_n": model.rpn.post_nms_top_n(),
        "box_score_thresh": model.roi_heads.score_thresh,
        "box_nms_thresh": model.roi_heads.nms_thresh,
        "box_detections_per_img": model.roi_heads.detections_per_img,
    }
