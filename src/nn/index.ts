export * as constraints from './constraints.js'
export * as initializers from './initializers.js'
export {
  type CallContext,
  defineLayer,
  type Layer,
  type LayerDefinition,
  layerOptions,
  type WeightSpec,
} from './layer.js'
export * as layers from './layers/index.js'
export * as losses from './losses.js'
export * as metrics from './metrics.js'
export { input, type Network, network, type SymbolicTensor, trace, type Weight } from './network.js'
export * as random from './random.js'
export * as regularizers from './regularizers.js'
