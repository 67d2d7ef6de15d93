/** Train, regularize, tune and adapt neural networks in TypeScript, on ONNX Runtime. */
export * from './ir/errors.js'
export { type Tensor, tensor } from './ir/tensor.js'
export * from './nn/index.js'
export * as optimizers from './optim/index.js'
export * as schedules from './optim/schedules/index.js'
export { type Device, listDevices } from './runtime/index.js'
export * as callbacks from './train/callbacks/index.js'
export * from './train/index.js'
