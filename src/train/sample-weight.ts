import { ConfigError, DataError, ShapeError, type Tensor } from '../ir/index.js'
import type { Network } from '../nn/network.js'
import { coerce, isTensor, type TensorLike, toTensor } from './data-like.js'

/**
 * Weights of examples in losses and weighted metrics: one per example [n], or, where an output has more axes, one per
 * step of them [n, time]. For several outputs the same for all, or a record by name.
 */
export type SampleWeight = TensorLike | Readonly<Record<string, TensorLike>>

/** Weights by output. */
export type Weights = Readonly<Record<string, Tensor>>

/** Weight of each class by number; 1 where none is given. For several outputs by the name of the output. */
export type ClassWeight = Readonly<Record<number, number>> | Readonly<Record<string, Readonly<Record<number, number>>>>

/** Checks weights and gives them to the outputs they are for. */
export function weightsByOutput(net: Network, given: SampleWeight): Weights {
  const isOne = isTensor(given) || Array.isArray(given) || ArrayBuffer.isView(given) || typeof given !== 'object'
  const names = net.outputs.map(output => output.name)
  const byName: readonly (readonly [string, TensorLike])[] = isOne
    ? names.map(name => [name, given as TensorLike])
    : Object.entries((given ?? {}) as Readonly<Record<string, TensorLike>>)
  return Object.fromEntries(
    byName.map(([name, weight]) => {
      const output = net.outputs.find(output => output.name === name)
      if (output === undefined)
        throw new DataError({
          code: 'unknown-data',
          where: 'sampleWeight',
          expected: `weights, or weights by output: ${names.join(', ')}`,
          received: name,
        })
      return [name, fitting(coerce(toTensor(weight), 'float32'), output.shape, name)]
    }),
  )
}

/** [n], or [n, 1] as Keras takes it too, or [n, …] along the axes of an output but its last. */
function fitting(weight: Tensor, output: readonly (number | string)[], name: string): Tensor {
  const [n, ...more] = weight.shape
  const axes = output.slice(1, -1)
  if (
    n !== undefined &&
    more.length <= axes.length &&
    more.every((d, i) => typeof axes[i] === 'string' || axes[i] === d)
  )
    return weight
  if (n !== undefined && more.length === 1 && more[0] === 1) return { ...weight, shape: [n] }
  throw new ShapeError({
    code: 'sample-weight',
    where: `sampleWeight.${name}`,
    expected: ['one weight per example [n]', ...axes.map((_, i) => `[n, ${axes.slice(0, i + 1).join(', ')}]`)].join(
      ' or ',
    ),
    received: `shape [${weight.shape}]`,
  })
}

/** Class weights by output. @throws ConfigError where it is not said which of several outputs they are for */
export function classWeightsByOutput(
  net: Network,
  given: ClassWeight,
): Readonly<Record<string, Readonly<Record<number, number>>>> {
  const names = net.outputs.map(output => output.name)
  const entries = Object.entries(given as Readonly<Record<string, unknown>>)
  if (entries.some(([, value]) => typeof value !== 'object')) {
    if (names.length === 1) return { [names[0]!]: given as Readonly<Record<number, number>> } // numbers, by fit's check
    throw new ConfigError({
      code: 'class-weight',
      where: 'fit.classWeight',
      expected: `class weights by output: ${names.join(', ')}`,
      received: `weights of classes for ${names.length} outputs`,
      hint: `say classWeight: { ${names[0]}: { 0: 1, 1: 2 } }, or give sampleWeight instead`,
    })
  }
  for (const [name] of entries)
    if (!names.includes(name))
      throw new ConfigError({
        code: 'unknown-output',
        where: 'fit.classWeight',
        expected: `outputs ${names.join(', ')}`,
        received: name,
      })
  return given as Readonly<Record<string, Readonly<Record<number, number>>>> // every value is a record
}

/** A batch in which each example's weight is multiplied by that of its class. */
export function weighClasses<
  B extends { readonly y: Readonly<Record<string, Tensor>>; readonly sampleWeight: Weights | null },
>(batch: B, classWeight: Readonly<Record<string, Readonly<Record<number, number>>>>): B {
  const weights: Record<string, Tensor> = { ...batch.sampleWeight }
  for (const [name, ofClass] of Object.entries(classWeight)) {
    const labels = batch.y[name]!
    const [size, classes = 1, ...more] = labels.shape as readonly [number, ...number[]]
    const before = weights[name]
    if (more.length > 0 || (before !== undefined && before.shape.length > 1))
      throw new ConfigError({
        code: 'class-weight',
        where: `fit.classWeight, output ${name}`,
        expected: 'an output with one class per example',
        received: `targets of shape [${labels.shape}]`,
        hint: 'give sampleWeight instead',
      })
    const data = Float32Array.from({ length: size }, (_, i) => {
      const weight = ofClass[classAt(labels, i, classes)] ?? 1
      return before === undefined ? weight : weight * Number(before.data[i])
    })
    weights[name] = { dtype: 'float32', shape: [size], data }
  }
  return { ...batch, sampleWeight: weights }
}

/** A label's number, or the place of the largest of a row; numbers that are not whole are rounded, as in Keras. */
function classAt(labels: Tensor, row: number, classes: number): number {
  const at = (c: number) => Number(labels.data[row * classes + c])
  if (classes === 1) return Math.round(at(0))
  let best = 0
  for (let c = 1; c < classes; c++) if (at(c) > at(best)) best = c
  return best
}
