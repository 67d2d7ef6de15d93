import { ConfigError, nearest, type Tensor } from '../ir/index.js'
import type { Network } from '../nn/network.js'
import { isTensor } from './batches.js'

/** Refuses weights that a network does not have, or of another shape. @throws ConfigError for the first one that does not fit */
export function checkWeights(net: Network, weights: Readonly<Record<string, Tensor>>): void {
  if (typeof weights !== 'object' || weights === null)
    throw new ConfigError({
      code: 'weights',
      where: net.name,
      expected: 'tensors by path',
      received: typeof weights,
    })
  for (const [path, t] of Object.entries(weights)) {
    const weight = net.weights.find(w => w.path === path)
    if (weight === undefined)
      throw new ConfigError({
        code: 'unknown-weight',
        where: path,
        expected: `one of ${nearest(
          path,
          net.weights.map(w => w.path),
        ).join(', ')}`,
        received: path,
      })
    if (!isTensor(t) || String(weight.shape) !== String(t.shape) || t.dtype !== 'float32')
      throw new ConfigError({
        code: 'weight-shape',
        where: path,
        expected: `float32 [${weight.shape}]`,
        received: isTensor(t) ? `${t.dtype} [${t.shape}]` : typeof t,
      })
  }
}
