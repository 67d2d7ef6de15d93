import { z } from 'zod'
import { ConfigError, type CounterRandom, sizeOf, type Tensor, tensor } from '../ir/index.js'
import { type Family, resolveSpec, type Spec, specSchema } from './plugin.js'

/** Fills a weight: `fanIn` and `fanOut` are what the layer's units see and feed. */
type Fill = (shape: readonly number[], random: CounterRandom) => Float32Array
type Apply = (parameters: Record<string, unknown>, shape: readonly number[], random: CounterRandom) => Float32Array

/**
 * Inputs and outputs per unit of a weight. Matrices are [in, out]; convolution kernels are ONNX's
 * [out, in/groups, …window], where Keras keeps […window, in, out]: the fans are the same numbers, but for a depthwise
 * kernel, which Keras keeps as […window, channels, multiplier].
 */
export function fans(shape: readonly number[]): { fanIn: number; fanOut: number } {
  if (shape.length === 0) return { fanIn: 1, fanOut: 1 }
  if (shape.length === 1) return { fanIn: shape[0]!, fanOut: shape[0]! }
  if (shape.length === 2) return { fanIn: shape[0]!, fanOut: shape[1]! }
  const window = sizeOf(shape.slice(2))
  return { fanIn: shape[1]! * window, fanOut: shape[0]! * window }
}

const fill = (shape: readonly number[], f: (i: number) => number): Float32Array =>
  Float32Array.from({ length: sizeOf(shape) }, (_, i) => f(i))
const uniform =
  (limit: number, low = -limit): Fill =>
  (shape, random) =>
    fill(shape, i => low + (limit - low) * random.uniform(i))
/** Normal numbers beyond two standard deviations are drawn again. */
const truncatedNormal =
  (mean: number, stddev: number): Fill =>
  (shape, random) => {
    let next = 0
    return fill(shape, () => {
      let x: number
      do x = random.normal(next++)
      while (Math.abs(x) > 2)
      return mean + stddev * x
    })
  }
// The standard deviation of a standard normal cut at ±2, by which Keras divides to get the variance asked for.
const TRUNCATED = 0.8796256610342398

const scaling = (
  scale: number,
  mode: 'fanIn' | 'fanOut' | 'fanAvg',
  distribution: 'uniform' | 'truncatedNormal' | 'normal',
): Apply => {
  return (_, shape, random) => {
    const { fanIn, fanOut } = fans(shape)
    const fan = mode === 'fanIn' ? fanIn : mode === 'fanOut' ? fanOut : (fanIn + fanOut) / 2
    const variance = scale / Math.max(1, fan)
    if (distribution === 'uniform') return uniform(Math.sqrt(3 * variance))(shape, random)
    if (distribution === 'normal') return fill(shape, i => Math.sqrt(variance) * random.normal(i))
    return truncatedNormal(0, Math.sqrt(variance) / TRUNCATED)(shape, random)
  }
}
const none = z.strictObject({})

/** Initializers with Keras 3's names and defaults. */
export const initializerTable: Family<Apply> = {
  zeros: { parameters: none, apply: (_, shape) => fill(shape, () => 0) },
  ones: { parameters: none, apply: (_, shape) => fill(shape, () => 1) },
  constant: {
    parameters: z.strictObject({ value: z.number().default(0) }),
    apply: ({ value }, shape) => fill(shape, () => value as number),
  },
  randomNormal: {
    parameters: z.strictObject({ mean: z.number().default(0), stddev: z.number().default(0.05) }),
    apply: ({ mean, stddev }, shape, random) =>
      fill(shape, i => (mean as number) + (stddev as number) * random.normal(i)),
  },
  randomUniform: {
    parameters: z.strictObject({ minval: z.number().default(-0.05), maxval: z.number().default(0.05) }),
    apply: ({ minval, maxval }, shape, random) => uniform(maxval as number, minval as number)(shape, random),
  },
  truncatedNormal: {
    parameters: z.strictObject({ mean: z.number().default(0), stddev: z.number().default(0.05) }),
    apply: ({ mean, stddev }, shape, random) => truncatedNormal(mean as number, stddev as number)(shape, random),
  },
  varianceScaling: {
    parameters: z.strictObject({
      scale: z.number().positive().default(1),
      mode: z.enum(['fanIn', 'fanOut', 'fanAvg']).default('fanIn'),
      distribution: z.enum(['truncatedNormal', 'normal', 'uniform']).default('truncatedNormal'),
    }),
    apply: (p, shape, random) =>
      scaling(p.scale as number, p.mode as 'fanIn', p.distribution as 'uniform')(p, shape, random),
  },
  glorotUniform: { parameters: none, apply: scaling(1, 'fanAvg', 'uniform') },
  glorotNormal: { parameters: none, apply: scaling(1, 'fanAvg', 'truncatedNormal') },
  heUniform: { parameters: none, apply: scaling(2, 'fanIn', 'uniform') },
  heNormal: { parameters: none, apply: scaling(2, 'fanIn', 'truncatedNormal') },
  lecunUniform: { parameters: none, apply: scaling(1, 'fanIn', 'uniform') },
  lecunNormal: { parameters: none, apply: scaling(1, 'fanIn', 'truncatedNormal') },
  identity: {
    parameters: z.strictObject({ gain: z.number().default(1) }),
    apply: ({ gain }, shape) =>
      fill(shape, i => (i % (shape[1]! + 1) === 0 && i < shape[1]! * shape[1]! ? (gain as number) : 0)),
  },
  orthogonal: {
    parameters: z.strictObject({ gain: z.number().default(1) }),
    apply: ({ gain }, shape, random) => orthogonal(gain as number, shape, random),
  },
}

/** Orthonormal rows or columns by Gram–Schmidt on a random normal matrix (Saxe et al. 2013). */
function orthogonal(gain: number, shape: readonly number[], random: CounterRandom): Float32Array {
  // Keras flattens all but the last axis; with ONNX's kernels the outputs come first.
  const rows = shape.length > 2 ? shape[0]! : shape.slice(0, -1).reduce((a, b) => a * b, 1)
  const cols = sizeOf(shape) / rows
  const [count, length] = rows < cols ? [rows, cols] : [cols, rows]
  const vectors: Float64Array[] = []
  for (let v = 0; v < count; v++) {
    const vector = Float64Array.from({ length }, (_, i) => random.normal(v * length + i))
    // Twice is enough (Kahan) to hold orthogonality to rounding.
    for (let pass = 0; pass < 2; pass++)
      for (const before of vectors) {
        let dot = 0
        for (let i = 0; i < length; i++) dot += vector[i]! * before[i]!
        for (let i = 0; i < length; i++) vector[i]! -= dot * before[i]!
      }
    const size = Math.sqrt(vector.reduce((sum, x) => sum + x * x, 0))
    vectors.push(vector.map(x => x / size))
  }
  return fill(shape, i => {
    const [r, c] = [Math.floor(i / cols), i % cols]
    return gain * (rows < cols ? vectors[r]![c]! : vectors[c]![r]!)
  })
}

export type Initializer = keyof typeof initializerTable | Spec | Fill
export const initializerSchema = specSchema<Apply, Initializer>('initializer', initializerTable)

/** The first value of a weight; `fanShape` is what the fans are computed from. */
export function initialize(
  spec: Initializer,
  shape: readonly number[],
  random: CounterRandom,
  where: string,
  fanShape: readonly number[] = shape,
): Tensor {
  const fillWith = resolveSpec('initializer', initializerTable, spec as string | Spec | Fill)
  const data = fillWith(typeof spec === 'function' ? shape : fanShape, random)
  if (data.length !== sizeOf(shape))
    throw new ConfigError({
      code: 'initializer-size',
      where,
      expected: `${sizeOf(shape)} numbers for [${shape}]`,
      received: data.length,
    })
  return tensor(data, shape)
}
