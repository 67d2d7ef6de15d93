import { describe, expect, test } from 'vitest'
import { gradients } from '../autodiff/index.js'
import { type AttrValue, type Dim, graph, type Tensor, tensor, type Value } from '../ir/index.js'
import { compile } from '../runtime/index.js'
import { expectClose, type Figure, readFigures } from '../testing/figures.js'
import { applyOp } from './define.js'
import * as ops from './index.js'
import { operatorOf } from './table.js'

interface Case {
  readonly name: string
  readonly op: string
  readonly attrs: Record<string, AttrValue>
  readonly inputs: Record<string, readonly Figure[]>
  readonly constants: Record<string, Figure & { dtype: 'int64' | 'bool' }>
  readonly output: Figure
  readonly outputGradient: Figure
  readonly gradients: readonly Figure[]
  readonly directions?: readonly Figure[]
  readonly second?: readonly Figure[]
}

// PyTorch's results; the script beside the figures says how they were made.
const { cases } = readFigures<{ cases: Case[] }>(new URL('./figures/arrays.json', import.meta.url))

/** No double kernel in the runtime. */
const single = new Set(['InstanceNormalization', 'LRN', 'MeanVarianceNormalization', 'GroupNormalization'])
/** Whose first axis may be unknown when the graph is built. */
const batched = new Set([
  'BatchNormalization',
  'LayerNormalization',
  'SimplifiedLayerNormalization',
  'InstanceNormalization',
  'GroupNormalization',
  'LRN',
  'GatherElements',
  'CumSum',
  'Trilu',
  'TopK',
  'Gather',
  'ScatterND',
])

async function compare(c: Case, open: boolean): Promise<void> {
  const dtype = single.has(c.op) ? 'float32' : 'float64'
  const g = graph()
  const record = operatorOf({ op: c.op, domain: '', name: c.name })
  const feeds: Record<string, Tensor> = {}
  const leaves: Value[] = []
  const inputs = record.inputs.flatMap(({ name }, i): (Value | null)[] => {
    const constant = c.constants[name]
    if (constant !== undefined) return [g.constant(tensor([...constant.data], constant.shape, constant.dtype))]
    return (c.inputs[name] ?? []).map(({ shape, data }, k) => {
      const dims: Dim[] = shape.map((extent, axis) => (open && i === 0 && axis === 0 ? 'batch' : extent))
      const leaf = g.input(`${name}${k}`, dtype, dims)
      feeds[leaf.name] = tensor([...data], shape, dtype)
      leaves.push(leaf)
      return leaf
    })
  })
  const y = applyOp(record, g, inputs, c.attrs).outputs[0]!
  const seed = tensor([...c.outputGradient.data], c.outputGradient.shape, dtype)
  const first = gradients(ops.mul(y, seed), leaves, { unconnected: 'zeros' })
  const outputs: Record<string, Value> = { y, ...Object.fromEntries(first.map((v, i) => [`first ${i}`, v])) }
  const wanted: Record<string, Figure> = {
    y: c.output,
    ...Object.fromEntries(c.gradients.map((figure, i) => [`first ${i}`, figure])),
  }
  if (c.second !== undefined) {
    const along = c.directions!.map(({ shape, data }) => tensor([...data], shape, dtype))
    const slope = first
      .map((d, i) => ops.reduceSum(ops.mul(d, along[i]!), { keepdims: 0 }))
      .reduce((a, b) => ops.add(a, b))
    gradients(slope, leaves, { unconnected: 'zeros' }).forEach((v, i) => {
      outputs[`second ${i}`] = v
      wanted[`second ${i}`] = c.second![i]!
    })
  }
  const found = await (await compile(g, { outputs })).run(feeds)
  for (const [what, figure] of Object.entries(wanted)) {
    const floor = Math.max(1, ...figure.data.map(Math.abs))
    expectClose(found[what]!, figure, { tolerance: dtype === 'float64' ? 1e-7 : 1e-5, floor, what })
  }
}

describe.each(cases.map(c => [c.op, c.name, c] as const))('%s, %s', (op, _name, c) => {
  test("gives PyTorch's output and gradients", () => compare(c, false))
  if (batched.has(op)) test('also with a first extent known only when it runs', () => compare(c, true))
})

describe('batch normalization where the mean is a thousand deviations', () => {
  test.each([0, 0.9])('keeps its gradient in single precision (momentum %s)', async momentum => {
    const c = cases.find(({ op, name }) => op === 'BatchNormalization' && name === 'large mean')!
    const g = graph()
    const [X, scale, B, mean, variance] = Object.entries(c.inputs).map(([name, [figure]]) =>
      g.input(name, 'float32', figure!.shape),
    )
    const y = ops.batchNormalization(X!, scale!, B!, mean!, variance!, { training_mode: 1, momentum })
    const seed = tensor([...c.outputGradient.data], c.outputGradient.shape)
    const [dx, dscale] = gradients(ops.mul(y, seed), [X!, scale!])
    const feeds = Object.fromEntries(
      Object.entries(c.inputs).map(([name, [f]]) => [name, tensor([...f!.data], f!.shape)]),
    )
    const out = await (await compile(g, { outputs: { dx: dx!, dscale: dscale! } })).run(feeds)
    // Inputs near 1000 are multiples of 1/16384 in single precision: 1e-4 is what is left of them.
    expectClose(out.dx!, c.gradients[0]!, { tolerance: 2e-4 })
    expectClose(out.dscale!, c.gradients[1]!, { tolerance: 2e-4 })
  })
})

test('every case has figures of both orders or is a product of scattered values', () => {
  expect(cases.filter(c => c.second === undefined).every(c => c.attrs.reduction === 'mul')).toBe(true)
})

describe('einsum refuses', () => {
  const g = graph()
  const a = g.input('a', 'float32', [2, 3])
  const b = g.input('b', 'float32', [3, 4])
  const c = g.input('c', 'float32', [1, 3])
  test.each([
    ['ij,jk->->ik', 'einsum-equation'],
    ['ij->ik', 'einsum-equation'],
    ['i1,jk->ik', 'einsum-equation'],
    ['ijk,jk->ik', 'einsum-equation'],
    ['ij,jk->iik', 'einsum-equation'],
    ['ij,jk->im', 'einsum-equation'],
    ['...i,...jk->ik', 'einsum-equation'],
    ['ij,ik->jk', 'einsum-extent'],
  ])('%s', (equation, code) => {
    expect(() => ops.einsum([a, b], { equation })).toThrow(expect.objectContaining({ code }))
  })
  test('a letter whose longer extent comes second', () => {
    expect(() => ops.einsum([c, a], { equation: 'ij,ij->ij' })).toThrow(
      expect.objectContaining({ code: 'einsum-extent' }),
    )
    expect(ops.einsum([a, c], { equation: 'ij,ij->ij' }).shape).toEqual([2, 3])
  })
})
