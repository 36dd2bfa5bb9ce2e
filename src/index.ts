// maskrcnn-webgpu: Mask R-CNN and Faster R-CNN on WebGPU, from pixels to masks. Entry for browsers.

export type { Detection, Keypoint } from './detection';
export { requestDevice } from './device';
export type { DrawOptions, DrawResult, Layer } from './draw';
export {
  CanvasError,
  DeviceLostError,
  ImageError,
  MaskRcnnError,
  ShaderError,
  type ShaderFault,
  ShapeError,
  UnsupportedError,
  WeightError,
} from './errors';
export type { NodeProfile, RunProfile } from './graph/profile';
export type { HostTensor } from './graph/program';
export type { ImageSource, RawImage } from './image';
export type { Method, Tuning } from './kernels/methods';
export { interpret, type LoadOptions, openModel } from './load';
export { Mask, type MaskSource, type PackedBits } from './mask';
export {
  type DetectOptions,
  type DetectResult,
  describe,
  type LayerRow,
  MaskRCNN,
  type TuneModelOptions,
} from './mask_rcnn';
export type { Config, ConfigOptions } from './model/config';
export { COCO_KEYPOINTS, COCO_SKELETON } from './model/keypoints';
export { decodeRle, encodeRle, type Rle } from './rle';
export type { Caffe2Files, FetchedOptions, ModelSource } from './weights/model_source';
export { readWeights } from './weights/read_weights';
export { type Published, REGISTRY } from './weights/registry';
export type {
  ByteSource,
  Progress,
  SafetensorsHeader,
  SafetensorsVisitor,
  TensorInfo,
  WeightSource,
} from './weights/safetensors';
export { readSafetensors } from './weights/safetensors';
