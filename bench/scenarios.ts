/** What is benchmarked: plain records that every peer builds in its own way, with weights and data given. */

export type LayerSpec =
  | { readonly kind: 'dense'; readonly units: number; readonly relu: boolean }
  | { readonly kind: 'conv'; readonly filters: number; readonly kernel: number; readonly relu: boolean }
  | { readonly kind: 'maxPool'; readonly size: number }
  | { readonly kind: 'flatten' }

/** A dense kernel is [in, out], a convolution's [out, in, height, width]; each is followed by its bias [out]. */
export interface Weight {
  readonly shape: readonly number[]
  readonly data: Float32Array
}

/** Pictures are [batch, channels, height, width]. */
export interface Batch {
  readonly x: Float32Array
  readonly y: Int32Array
}

export interface Scenario {
  readonly name: string
  readonly title: string
  readonly batchSize: number
  /** Extents of one example. */
  readonly input: readonly number[]
  readonly classes: number
  readonly layers: readonly LayerSpec[]
  readonly weights: readonly Weight[]
  /** Step i trains on batch i modulo their number. */
  readonly batches: readonly Batch[]
}

/** Adam with Keras 3's defaults. Keras adds epsilon to √v before the bias correction. */
export const ADAM = { learningRate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-7 }

/** The factor of m / (√v + ε) at update `t`, counted from 1. */
export const adamRate = (t: number): number =>
  (ADAM.learningRate * Math.sqrt(1 - ADAM.beta2 ** t)) / (1 - ADAM.beta1 ** t)

/** The epsilon that gives Keras's result where √v is corrected before epsilon is added (PyTorch, TensorFlow.js). */
export const correctedEpsilon = (t: number): number => ADAM.epsilon / Math.sqrt(1 - ADAM.beta2 ** t)

/** The scenarios by name, with the same weights and data at each call. */
export const scenarios = (): Record<string, Scenario> => ({
  mlp: scenario(
    'mlp',
    'MLP 784-512-512-10, batch 128, Adam',
    128,
    [784],
    [
      { kind: 'dense', units: 512, relu: true },
      { kind: 'dense', units: 512, relu: true },
      { kind: 'dense', units: 10, relu: false },
    ],
  ),
  cnn: scenario(
    'cnn',
    'CNN conv 32, conv 64, pool, dense 128, dense 10; 28×28, batch 64, Adam',
    64,
    [1, 28, 28],
    [
      { kind: 'conv', filters: 32, kernel: 3, relu: true },
      { kind: 'conv', filters: 64, kernel: 3, relu: true },
      { kind: 'maxPool', size: 2 },
      { kind: 'flatten' },
      { kind: 'dense', units: 128, relu: true },
      { kind: 'dense', units: 10, relu: false },
    ],
  ),
})

function scenario(
  name: string,
  title: string,
  batchSize: number,
  input: readonly number[],
  layers: readonly LayerSpec[],
): Scenario {
  const random = generator(1)
  const weights: Weight[] = []
  const add = (shape: number[], fanIn: number, fanOut: number) => {
    const limit = Math.sqrt(6 / (fanIn + fanOut)) // Glorot uniform
    const size = shape.reduce((a, b) => a * b, 1)
    weights.push({ shape, data: Float32Array.from({ length: size }, () => (2 * random() - 1) * limit) })
  }
  let shape = input
  for (const layer of layers) {
    if (layer.kind === 'flatten') shape = [shape.reduce((a, b) => a * b, 1)]
    else if (layer.kind === 'maxPool') shape = [shape[0]!, shape[1]! / layer.size, shape[2]! / layer.size]
    else {
      const [inputs, k] = [shape[0]!, layer.kind === 'conv' ? layer.kernel : 1]
      const outputs = layer.kind === 'conv' ? layer.filters : layer.units
      add(layer.kind === 'conv' ? [outputs, inputs, k, k] : [inputs, outputs], inputs * k * k, outputs * k * k)
      weights.push({ shape: [outputs], data: new Float32Array(outputs) })
      shape = layer.kind === 'conv' ? [outputs, shape[1]! - k + 1, shape[2]! - k + 1] : [outputs]
    }
  }
  const classes = shape[0]!
  const size = batchSize * input.reduce((a, b) => a * b, 1)
  const batches = Array.from({ length: 4 }, () => ({
    x: Float32Array.from({ length: size }, random),
    y: Int32Array.from({ length: batchSize }, () => Math.floor(random() * classes)),
  }))
  return { name, title, batchSize, input, classes, layers, weights, batches }
}

/** Uniform numbers in [0, 1), the same for the same seed (mulberry32). */
export function generator(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}
