export { type DecodeOptions, decodeOnnx } from './decode.js'
export type {
  AttributeDescription,
  FunctionDescription,
  GraphDescription,
  ModelDescription,
  NodeDescription,
  PortDescription,
} from './decode-model.js'
export * from './dtype.js'
export * from './encode.js'
export * from './errors.js'
export { type ExternalFile, type ExternalFiles, folderFiles, memoryFiles } from './external.js'
export * from './graph.js'
export * from './random.js'
export * from './rewrite.js'
export { decodeSafetensors, encodeSafetensors, type SafetensorsFile } from './safetensors.js'
export { checkSelector, matches, type Selector, select } from './selector.js'
export * from './shape.js'
export * from './tensor.js'
