"""The nuclei model: a narrow torchvision Mask R-CNN, its export to safetensors and its way back.

He et al. 2017, Mask R-CNN (arXiv:1703.06870), built from torchvision's own modules, so that the
names of the weights are torchvision's and the file runs in any engine that knows them.

    image [3, H, W] -- resnet -- c2 c3 c4 -- fpn -- p2 p3 p4 pool -- rpn -- proposals
                                              |                             |
                                              +-- p2 p3 p4 -- box head -- mask head

The body is a ResNet of basic blocks without its last stage: nuclei are small, and c2..c4
(strides 4, 8, 16) plus the pooled level (stride 32) see all of them.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torchvision.models.detection import MaskRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.backbone_utils import BackboneWithFPN
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
from torchvision.models.detection.rpn import RPNHead
from torchvision.models.resnet import BasicBlock, ResNet
from torchvision.ops import MultiScaleRoIAlign

CLASSES = ["__background__", "nucleus"]

# How the network is run. These travel in the file's metadata, as strings or JSON arrays.
SETTINGS = {
    "min_size": 512,  # pixels, shorter side after resizing: 256 px images are doubled
    "max_size": 1024,  # pixels, longer side at most
    "box_score_thresh": 0.05,
    "box_nms_thresh": 0.5,
    "box_detections_per_img": 400,
    "rpn_pre_nms_top_n": 1000,  # per pyramid level
    "rpn_post_nms_top_n": 1000,  # all levels together
    "rpn_nms_thresh": 0.7,
    "anchor_sizes": [[12], [24], [48], [96]],  # resized pixels, one list per RPN level
    "anchor_ratios": [[0.5, 1.0, 2.0]] * 4,  # height / width
    "image_mean": [0.485, 0.456, 0.406],
    "image_std": [0.229, 0.224, 0.225],
}
BN_EPS = 1e-5


@dataclass(frozen=True)
class Widths:
    """Channel counts; all but class and anchor counts are multiples of 16."""

    body: tuple[int, ...] = (48, 96, 192)  # layer1, layer2, ...; the stem is as wide as layer1
    blocks: tuple[int, ...] = (2, 2, 2)  # basic blocks in each layer
    pyramid: int = 96
    box: int = 256
    mask: tuple[int, ...] = (96, 96, 96, 96)
    deconv: int = 96


class SlimResNet(ResNet):
    """torchvision's ResNet of basic blocks with stages of chosen widths."""

    def __init__(self, widths: tuple[int, ...], blocks: tuple[int, ...]):
        super().__init__(BasicBlock, [1, 1, 1, 1])
        del self.layer1, self.layer2, self.layer3, self.layer4, self.avgpool, self.fc
        self.inplanes, self.dilation = widths[0], 1
        self.conv1 = nn.Conv2d(3, widths[0], 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(widths[0])
        for i, (width, count) in enumerate(zip(widths, blocks)):
            layer = self._make_layer(BasicBlock, width, count, stride=1 if i == 0 else 2)
            self.add_module(f"layer{i + 1}", layer)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")


def build_backbone(widths: Widths) -> BackboneWithFPN:
    """[B, 3, H, W] -> {"0", "1", "2", "pool"}: [B, pyramid, H/s, W/s], s = 4, 8, 16, 32."""
    layers = {f"layer{i + 1}": str(i) for i in range(len(widths.body))}
    body = SlimResNet(widths.body, widths.blocks)
    return BackboneWithFPN(body, layers, list(widths.body), widths.pyramid)


def build_model(widths: Widths, settings: dict = SETTINGS, **options) -> MaskRCNN:
    """A MaskRCNN with random weights; `options` go to torchvision's constructor."""
    levels = [str(i) for i in range(len(widths.body))]
    sizes = tuple(tuple(s) for s in settings["anchor_sizes"])
    ratios = tuple(tuple(r) for r in settings["anchor_ratios"])
    anchors = AnchorGenerator(sizes, ratios)
    classes = len(CLASSES)
    return MaskRCNN(
        build_backbone(widths),
        min_size=settings["min_size"],
        max_size=settings["max_size"],
        image_mean=settings["image_mean"],
        image_std=settings["image_std"],
        rpn_anchor_generator=anchors,
        rpn_head=RPNHead(widths.pyramid, anchors.num_anchors_per_location()[0]),
        rpn_pre_nms_top_n_test=settings["rpn_pre_nms_top_n"],
        rpn_post_nms_top_n_test=settings["rpn_post_nms_top_n"],
        rpn_nms_thresh=settings["rpn_nms_thresh"],
        box_roi_pool=MultiScaleRoIAlign(levels, output_size=7, sampling_ratio=2),
        box_head=TwoMLPHead(widths.pyramid * 7 * 7, widths.box),
        box_predictor=FastRCNNPredictor(widths.box, classes),
        box_score_thresh=settings["box_score_thresh"],
        box_nms_thresh=settings["box_nms_thresh"],
        box_detections_per_img=settings["box_detections_per_img"],
        mask_roi_pool=MultiScaleRoIAlign(levels, output_size=14, sampling_ratio=2),
        mask_head=MaskRCNNHeads(widths.pyramid, widths.mask, dilation=1),
        mask_predictor=MaskRCNNPredictor(widths.mask[-1], widths.deconv, classes),
        **options,
    )


def metadata(settings: dict = SETTINGS) -> dict[str, str]:
    """The safetensors header's strings: what a reader needs besides the weights."""
    plain = {key: json.dumps(value) for key, value in settings.items()}
    return {
        "architecture": "torchvision/maskrcnn_resnet_fpn",
        "bn_eps": "0",  # see fold_norms
        "classes": json.dumps(CLASSES),
        **plain,
        "licence": "CC0-1.0",
        "trained_on": "BBBC038v1 (2018 Data Science Bowl, stage 1 training images), CC0",
    }


def fold_norms(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Multiplies each convolution's weight by its norm's scale; the norm keeps only its shift.

    The names stay torchvision's: a folded norm has weight 1, mean 0, variance 1, and an eps of 0.
    """
    folded = {name: tensor.detach().cpu().double() for name, tensor in state.items()}
    for name in [name for name in state if name.endswith(".running_var")]:
        norm = name.removesuffix(".running_var")
        layer = norm.replace("downsample.1", "downsample.0").replace(".bn", ".conv")
        weight, bias = folded[f"{norm}.weight"], folded[f"{norm}.bias"]
        mean, variance = folded[f"{norm}.running_mean"], folded[name]
        scale = weight / (variance + BN_EPS).sqrt()
        folded[f"{layer}.weight"] = folded[f"{layer}.weight"] * scale[:, None, None, None]
        folded[f"{norm}.bias"] = bias - mean * scale
        folded[f"{norm}.weight"] = torch.ones_like(weight)
        folded[f"{norm}.running_mean"] = torch.zeros_like(mean)
        folded[name] = torch.ones_like(variance)
    return folded


def export(state: dict[str, Tensor], path: str | Path) -> int:
    """Writes a state dict as float16 safetensors; returns the file's size in bytes."""
    half = {}
    for name, tensor in fold_norms(state).items():
        if name.endswith("num_batches_tracked"):
            continue
        half[name] = tensor.detach().to("cpu", torch.float16).contiguous()
        if not torch.isfinite(half[name]).all():
            raise ValueError(f"{name}: not finite in float16, cannot be exported")
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished")  # a reader never sees half a file
    save_file(half, unfinished, metadata())
    unfinished.chmod(0o644)  # save_file leaves it private
    unfinished.replace(path)
    return path.stat().st_size


def read(path: str | Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors, cast to float32, and the metadata of a safetensors file."""
    if not Path(path).is_file():
        raise FileNotFoundError(f"{path}: no such model file; train_nuclei.py writes one")
    with safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name).float() for name in file.keys()}
        return tensors, file.metadata()


def widths_of(tensors: dict[str, Tensor]) -> Widths:
    """Reads the widths off the shapes of the weights."""
    def width(name: str) -> int:
        return tensors[name].shape[0]

    def count(pattern: str) -> int:
        return next(i for i in range(100) if pattern.format(i) not in tensors)

    if "backbone.body.layer1.0.conv3.weight" in tensors:
        raise ValueError("this loader rebuilds basic blocks, and the file holds bottleneck blocks")
    layers = 1
    while f"backbone.body.layer{layers + 1}.0.conv1.weight" in tensors:
        layers += 1
    stages = [f"backbone.body.layer{i + 1}" for i in range(layers)]
    masks = count("roi_heads.mask_head.{}.0.weight")
    return Widths(
        body=tuple(width(f"{stage}.0.conv1.weight") for stage in stages),
        blocks=tuple(count(stage + ".{}.conv1.weight") for stage in stages),
        pyramid=width("backbone.fpn.inner_blocks.0.0.weight"),
        box=width("roi_heads.box_head.fc7.weight"),
        mask=tuple(width(f"roi_heads.mask_head.{i}.0.weight") for i in range(masks)),
        deconv=tensors["roi_heads.mask_predictor.conv5_mask.weight"].shape[1],
    )


def load_model(path: str | Path) -> MaskRCNN:
    """Rebuilds the torchvision model from a file of ours: float32, in evaluation mode."""
    tensors, header = read(path)
    settings = {key: json.loads(header[key]) for key in SETTINGS}
    model = build_model(widths_of(tensors), settings)
    missing, unexpected = model.load_state_dict(tensors, strict=False)
    missing = [name for name in missing if not name.endswith("num_batches_tracked")]
    if missing or unexpected:
        raise ValueError(f"{path}: missing tensors {missing}, unknown tensors {unexpected}")
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eps = float(header["bn_eps"])
    return model.eval()
