import { ConfigError } from '../ir/index.js'
import type { Layer } from '../nn/layer.js'
import { input, type Network, network, type SymbolicTensor } from '../nn/network.js'

/** Refuses what is not a layer: plain JavaScript has no types to do so. */
export function checkLayers(list: readonly Layer[], where: string): void {
  for (const layer of list as readonly unknown[])
    if (typeof layer !== 'object' || layer === null || !('apply' in layer) || !('config' in layer))
      throw new ConfigError({
        code: 'not-a-layer',
        where,
        expected: 'layers, such as layers.dense({ units: 64 })',
        received: typeof layer === 'function' ? 'a function: call it to make the layer' : String(typeof layer),
      })
}

/** The network of layers one after the other. */
export function sequentialNetwork(layers: readonly Layer[], name: string): Network {
  const { inputShape, inputDtype } = layers[0]!.config
  const dtype = inputDtype ?? (layers[0]!.type === 'Embedding' ? 'int32' : 'float32')
  const start = input({ shape: inputShape!, dtype })
  const end = layers.reduce<SymbolicTensor>((t, layer) => layer.apply(t), start)
  return network([start], [end], name)
}
