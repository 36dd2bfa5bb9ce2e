"""nodes_<image>.safetensors: every layer's output in one float64 run, thinned to samples.

A label is the layer's weight prefix, and its output is that of a fused node: a convolution with
its norm, its ReLU and, for a bottleneck's conv3, the shortcut. Beside them:

    backbone.body.maxpool           after the stem
    backbone.fpn.top_down.N         inner_blocks.N plus the upsampled level above, N = 0, 1, 2
    backbone.fpn.pool               P6
    rpn.head.*@pL                   the RPN's three convolutions, once for each level p2..p6
"""

import torch
from golden_reference import IMAGES, digest, in_double, load_pixels, summary, to_image, write
from synthetic_weights import build
from torch import Tensor, nn

LEVELS = ["p2", "p3", "p4", "p5", "p6"]


class Recorder:
    """Collects clones of modules' outputs under labels (clones: torchvision's ReLU is in place)."""

    def __init__(self):
        self.outputs: dict[str, Tensor] = {}

    def watch(self, module: nn.Module, labels: list[str]) -> None:
        """The module's k-th call in a run is recorded under labels[k]."""
        waiting = iter(labels)

        def hook(module, inputs, output):
            self.outputs[next(waiting)] = output.detach().clone()

        module.register_forward_hook(hook)

    def watch_input(self, module: nn.Module, label: str) -> None:
        def hook(module, inputs):
            self.outputs[label] = inputs[0].detach().clone()

        module.register_forward_pre_hook(hook)


def watch_body(recorder: Recorder, body: nn.Module) -> None:
    """The stem and 16 bottlenecks. A bottleneck calls one ReLU thrice: after each convolution."""
    prefix = "backbone.body"
    recorder.watch(body.relu, [f"{prefix}.conv1"])
    recorder.watch(body.maxpool, [f"{prefix}.maxpool"])
    for layer in ("layer1", "layer2", "layer3", "layer4"):
        for index, block in enumerate(body[layer]):
            label = f"{prefix}.{layer}.{index}"
            recorder.watch(block.relu, [f"{label}.conv{k}" for k in (1, 2, 3)])
            if block.downsample is not None:
                recorder.watch(block.downsample, [f"{label}.downsample.0"])


def watch_pyramid(recorder: Recorder, fpn: nn.Module) -> None:
    prefix = "backbone.fpn"
    for n in range(4):
        recorder.watch(fpn.inner_blocks[n], [f"{prefix}.inner_blocks.{n}.0"])
        recorder.watch(fpn.layer_blocks[n], [f"{prefix}.layer_blocks.{n}.0"])
    for n in range(3):
        recorder.watch_input(fpn.layer_blocks[n], f"{prefix}.top_down.{n}")


def watch_rpn(recorder: Recorder, head: nn.Module) -> None:
    layers = {"conv.0.0": head.conv[0], "cls_logits": head.cls_logits, "bbox_pred": head.bbox_pred}
    for name, module in layers.items():
        recorder.watch(module, [f"rpn.head.{name}@{level}" for level in LEVELS])


def record(model: nn.Module, image: Tensor) -> dict[str, Tensor]:
    """One run up to the RPN's head; label -> output [1, C, H, W]."""
    recorder = Recorder()
    watch_body(recorder, model.backbone.body)
    watch_pyramid(recorder, model.backbone.fpn)
    watch_rpn(recorder, model.rpn.head)
    images, _ = model.transform([image])
    features = model.backbone(images.tensors)
    recorder.outputs["image"] = images.tensors
    recorder.outputs["backbone.fpn.pool"] = features["pool"]
    model.rpn.head(list(features.values()))
    return recorder.outputs


def make_nodes(name: str, sizes: tuple[int, int]) -> None:
    """Writes nodes_<name>.safetensors; stats get a fourth number, the float32 run's worst error."""
    pixels = load_pixels(IMAGES / f"{name}.png")
    options = {"min_size": sizes[0], "max_size": sizes[1]}
    single = record(build("maskrcnn", **options), to_image(pixels))
    double = record(in_double(build("maskrcnn", **options)), to_image(pixels))
    tensors = {}
    for label, output in double.items():
        tensors |= summary(label, output)
        error = (single[label].double() - output).abs().max().float()
        tensors[f"{label}/stats"] = torch.cat([tensors[f"{label}/stats"], error[None]])
    stats = [tensor for key, tensor in tensors.items() if key.endswith("/stats")]
    worst = max(float(s[3] / s[0]) for s in stats)
    facts = {"architecture": "maskrcnn", "weights": "synthetic", **options, "nodes": len(double)}
    facts |= {"image": f"tests/images/{name}.png", "image_sha256": digest(pixels)}
    facts |= {"canvas": list(double["image"].shape), "float32_noise_relative": f"{worst:.3g}"}
    write(f"nodes_{name}", tensors, facts)
    print("   ", facts, flush=True)
