import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import {
  compile,
  encodeOnnx,
  type Feed,
  GraphError,
  gradients,
  type ImportedModel,
  importOnnx,
  numbersOf,
  tensor,
  type Value,
} from '../src/graph.js'
import * as ops from '../src/ops/index.js'

/**
 * ONNX files that other tools wrote, with outputs and gradients that PyTorch computed for them in double precision:
 * models/README.md beside the checkout says how. They are not part of the project.
 */
const folder = new URL('../../shared/models/', import.meta.url)
const present = existsSync(folder)
const files = present ? readdirSync(folder).filter(file => file.endsWith('.onnx')) : []

interface Stored {
  dtype?: 'float32' | 'int64'
  shape: number[]
  offset?: number
  length?: number
  data?: number[]
  norm: number
  indexes?: number[]
}
interface Reference {
  bin: string
  inputs: Record<string, Stored>
  outputs: Record<string, Stored>
  loss: { kind: string; output?: string; labels?: Stored | number[]; targets?: Record<string, Stored>; value: number }
  gradients: Record<string, Stored>
  inputGradients: Record<string, Stored>
  float32Deviation: number
}

function load(file: string) {
  const stem = file.replace(/\.onnx$/, '')
  const reference = JSON.parse(readFileSync(new URL(`${stem}.reference.json`, folder), 'utf8')) as Reference
  const bin = Uint8Array.from(readFileSync(new URL(reference.bin, folder)))
  const floats = new Float32Array(bin.buffer)
  const numbers = ({ offset, length, data }: Stored): ArrayLike<number> =>
    data ?? floats.slice(offset!, offset! + length!)
  const feeds = Object.fromEntries(
    Object.entries(reference.inputs).map(([name, stored]): [string, Feed] => [
      name,
      stored.dtype === 'int64'
        ? tensor(BigInt64Array.from(stored.data!, BigInt), stored.shape)
        : tensor(Float32Array.from(numbers(stored)), stored.shape),
    ]),
  )
  return { bytes: readFileSync(new URL(file, folder)), reference, numbers, feeds }
}

/** The loss the reference describes, built with operators of anneal. */
function lossOf(
  { outputs }: ImportedModel,
  { loss }: Reference,
  numbers: (stored: Stored) => ArrayLike<number>,
): Value {
  const square = (x: Value): Value => ops.mul(x, x)
  if (loss.kind === 'mean_square')
    return Object.entries(loss.targets!)
      .map(([name, target]) => ops.sub(outputs[name]!, tensor(Float32Array.from(numbers(target)), target.shape)))
      .map(difference => ops.reduceMean(square(difference), { keepdims: 0 }))
      .reduce((a, b) => ops.add(a, b))
  const labels = Array.isArray(loss.labels) ? loss.labels : loss.labels!.data!
  const rows = tensor(BigInt64Array.from(labels, BigInt), [labels.length, 1])
  const picked = ops.gatherElements(ops.logSoftmax(outputs[loss.output!]!), rows, { axis: 1 })
  return ops.neg(ops.reduceMean(picked, { keepdims: 0 }))
}

/** Operators that files need and anneal does not have yet, with those files. */
const missing = new Map<string, string[]>()
function importable(file: string): boolean {
  try {
    importOnnx(load(file).bytes)
    return true
  } catch (error) {
    if (!(error instanceof GraphError) || error.code !== 'unknown-operators') return true // its own test tells
    for (const op of error.received as string[]) missing.set(op, [...(missing.get(op) ?? []), file])
    return false
  }
}
const usable = files.filter(importable)
const lacking = [...missing].map(([op, names]) => `${op} (${names.join(', ')})`).join('; ')

/**
 * What these files allow beyond 1e-4 of a gradient's norm. Moving the detectors' weights by one part in a million moves
 * their gradients by up to 2e-3, for activations lie on the kink of a ReLU.
 */
const slack = (file: string): number => (file.startsWith('version-') ? 20 : 1)

describe.skipIf(!present)(`models of other tools${present ? '' : ' (skipped: ../shared/models is not there)'}`, () => {
  test.skipIf(missing.size > 0)(
    `anneal knows every operator they use${missing.size > 0 ? ` (not yet: ${lacking})` : ''}`,
    () => {
      expect(usable).toEqual(files)
    },
  )

  test.each(usable)('%s computes what PyTorch says, also when written and read again', async file => {
    const { bytes, reference, numbers, feeds } = load(file)
    const once = importOnnx(bytes)
    const again = importOnnx(encodeOnnx(once.graph, { outputs: once.outputs }))
    for (const { graph, outputs } of [once, again]) {
      const results = await (await compile(graph, { outputs })).run(feeds)
      for (const [name, stored] of Object.entries(reference.outputs)) {
        expect(results[name]!.shape).toEqual(stored.shape)
        const wanted = numbers(stored)
        const worst = Math.max(...numbersOf(results[name]!).map((x, i) => Math.abs(x - wanted[i]!)))
        expect(worst).toBeLessThanOrEqual(1e-4)
      }
    }
  })

  test.each(usable)('%s has the gradients PyTorch computes', async file => {
    const { bytes, reference, numbers, feeds } = load(file)
    const model = importOnnx(bytes)
    const loss = lossOf(model, reference, numbers)
    const wanted = [...Object.entries(reference.gradients), ...Object.entries(reference.inputGradients)]
    const wrt = wanted.map(([name]) => model.initializers.get(name) ?? model.inputs[name]!)
    const found = gradients(loss, wrt)
    const outputs = { loss, ...Object.fromEntries(found.map((value, i) => [`gradient ${i}`, value])) }
    const results = await (await compile(model.graph, { outputs })).run(feeds)
    expect(Number(results.loss!.data[0])).toBeCloseTo(reference.loss.value, 4)
    const largest = Math.max(...wanted.map(([, stored]) => stored.norm))
    const wrong = wanted.flatMap(([name, stored], i) => {
      const { data, shape } = results[`gradient ${i}`]!
      expect(shape).toEqual(stored.shape)
      const truth = numbers(stored)
      const differences = Array.from(truth, (x, k) => Number(data[stored.indexes?.[k] ?? k]) - x)
      // Some gradients are zero in theory: what is lost in rounding there is small beside the largest of the file.
      const allowed = slack(file) * Math.max(1e-4, 4 * reference.float32Deviation) * stored.norm + 1e-6 * largest
      const distance = Math.hypot(...differences)
      return distance <= allowed ? [] : [`${name}: ${distance} of ${stored.norm}, allowed ${allowed}`]
    })
    expect(wrong).toEqual([])
  })
})
