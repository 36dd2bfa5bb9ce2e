"""Names of tensors: what detectron2, maskrcnn-benchmark and MMDetection call those of torchvision."""

import re

# torchvision's name -> the family's
DETECTRON2 = [
    (r"^backbone\.body\.conv1\.", "backbone.bottom_up.stem.conv1."),
    (r"^backbone\.body\.bn1\.", "backbone.bottom_up.stem.conv1.norm."),
    (r"^backbone\.body\.layer(\d)\.(\d+)\.downsample\.0\.", "backbone.bottom_up.res{1+}.{2}.shortcut."),
    (r"^backbone\.body\.layer(\d)\.(\d+)\.downsample\.1\.", "backbone.bottom_up.res{1+}.{2}.shortcut.norm."),
    (r"^backbone\.body\.layer(\d)\.(\d+)\.bn(\d)\.", "backbone.bottom_up.res{1+}.{2}.conv{3}.norm."),
    (r"^backbone\.body\.layer(\d)\.(\d+)\.conv(\d)\.", "backbone.bottom_up.res{1+}.{2}.conv{3}."),
    (r"^backbone\.fpn\.inner_blocks\.(\d)\.0\.", "backbone.fpn_lateral{1++}."),
    (r"^backbone\.fpn\.layer_blocks\.(\d)\.0\.", "backbone.fpn_output{1++}."),
    (r"^rpn\.head\.conv\.0\.0\.", "proposal_generator.rpn_head.conv."),
    (r"^rpn\.head\.cls_logits\.", "proposal_generator.rpn_head.objectness_logits."),
    (r"^rpn\.head\.bbox_pred\.", "proposal_generator.rpn_head.anchor_deltas."),
    (r"^roi_heads\.box_head\.fc6\.", "roi_heads.box_head.fc1."),
    (r"^roi_heads\.box_head\.fc7\.", "roi_heads.box_head.fc2."),
    (r"^roi_heads\.mask_head\.(\d)\.0\.", "roi_heads.mask_head.mask_fcn{1+}."),
    (r"^roi_heads\.mask_predictor\.conv5_mask\.", "roi_heads.mask_head.deconv."),
    (r"^roi_heads\.mask_predictor\.mask_fcn_logits\.", "roi_heads.mask_head.predictor."),
    (r"^roi_heads\.keypoint_head\.(\d+)\.", "roi_heads.keypoint_head.conv_fcn{1h}."),
    (r"^roi_heads\.keypoint_predictor\.kps_score_lowres\.", "roi_heads.keypoint_head.score_lowres."),
]
BENCHMARK = [
    (r"^backbone\.body\.(conv1|bn1)\.", "module.backbone.body.stem.{1}."),
    (r"^backbone\.fpn\.(inner|layer)_blocks\.(\d)\.0\.", "module.backbone.fpn.fpn_{1}{2+}."),
    (r"^rpn\.head\.conv\.0\.0\.", "module.rpn.head.conv."),
    (r"^roi_heads\.box_head\.", "module.roi_heads.box.feature_extractor."),
    (r"^roi_heads\.box_predictor\.", "module.roi_heads.box.predictor."),
    (r"^roi_heads\.mask_head\.(\d)\.0\.", "module.roi_heads.mask.feature_extractor.mask_fcn{1+}."),
    (r"^roi_heads\.mask_predictor\.", "module.roi_heads.mask.predictor."),
    (r"^", "module."),
]
MMDETECTION = [
    (r"^backbone\.body\.", "backbone."),
    (r"^backbone\.fpn\.inner_blocks\.(\d)\.0\.", "neck.lateral_convs.{1}.conv."),
    (r"^backbone\.fpn\.layer_blocks\.(\d)\.0\.", "neck.fpn_convs.{1}.conv."),
    (r"^rpn\.head\.conv\.0\.0\.", "rpn_head.rpn_conv."),
    (r"^rpn\.head\.cls_logits\.", "rpn_head.rpn_cls."),
    (r"^rpn\.head\.bbox_pred\.", "rpn_head.rpn_reg."),
    (r"^roi_heads\.box_head\.fc6\.", "roi_head.bbox_head.shared_fcs.0."),
    (r"^roi_heads\.box_head\.fc7\.", "roi_head.bbox_head.shared_fcs.1."),
    (r"^roi_heads\.box_predictor\.cls_score\.", "roi_head.bbox_head.fc_cls."),
    (r"^roi_heads\.box_predictor\.bbox_pred\.", "roi_head.bbox_head.fc_reg."),
    (r"^roi_heads\.mask_head\.(\d)\.0\.", "roi_head.mask_head.convs.{1}.conv."),
    (r"^roi_heads\.mask_predictor\.conv5_mask\.", "roi_head.mask_head.upsample."),
    (r"^roi_heads\.mask_predictor\.mask_fcn_logits\.", "roi_head.mask_head.conv_logits."),
]
NAMES = {"detectron2": DETECTRON2, "maskrcnn-benchmark": BENCHMARK, "mmdetection": MMDETECTION}


def family_name(family: str, name: str) -> str:
    """The family's name of a tensor, by torchvision's."""
    for pattern, becomes in NAMES[family]:
        found = re.match(pattern, name)
        if found:
            return fill_in(becomes, found.groups()) + name[found.end() :]
    return name


def fill_in(text: str, groups: tuple[str, ...]) -> str:
    """{n} is group n; {n+} one more, {n++} two more, {nh} half of it and one."""

    def value(match: re.Match) -> str:
        group, change = groups[int(match[1]) - 1], match[2]
        return str(int(group) // 2 + 1) if change == "h" else str(int(group) + len(change)) if change else group

    return re.sub(r"\{(\d)(\+*|h)\}", value, text)
