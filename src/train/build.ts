import type { Layer } from '../nn/layer.js'
import { network, type SymbolicTensor } from '../nn/network.js'
import { checkLayers, sequentialNetwork } from './architecture.js'
import { Model, type ModelOptions } from './model.js'

/** A model of layers one after the other; the first says `inputShape`. */
export function sequential(
  layers: readonly Layer[] | { layers?: readonly Layer[]; name?: string; seed?: number } = [],
  options: ModelOptions = {},
): Model {
  const list = Array.isArray(layers)
    ? (layers as readonly Layer[])
    : ((layers as { layers?: readonly Layer[] } | null)?.layers ?? [])
  const given: ModelOptions = Array.isArray(layers) ? options : { ...(layers as ModelOptions), ...options }
  const name = given.name ?? 'sequential'
  checkLayers(list, name)
  const net = list.length > 0 && list[0]!.config.inputShape !== undefined ? sequentialNetwork(list, name) : null
  return new Model(net, { ...given, name }, [...list])
}

/** A functional model between symbolic inputs and outputs. */
export function model({
  inputs,
  outputs,
  ...options
}: {
  inputs: SymbolicTensor | readonly SymbolicTensor[]
  outputs: SymbolicTensor | readonly SymbolicTensor[]
} & ModelOptions): Model {
  const list = (x: SymbolicTensor | readonly SymbolicTensor[]): readonly SymbolicTensor[] =>
    Array.isArray(x) ? x : [x as SymbolicTensor]
  return new Model(network(list(inputs), list(outputs), options.name ?? 'model'), options)
}
