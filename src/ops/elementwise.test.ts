import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { compile, gradients, graph, numbersOf, type Tensor, tensor, type Value } from '../graph.js'
import { type AttrValue, isFloat, sizeOf } from '../ir/index.js'
import { applyOp } from './define.js'
import { mul, reduceSum } from './index.js'
import { operatorOf } from './table.js'

type Num = number | 'inf' | '-inf' | 'nan'
interface Figure {
  shape: number[]
  data: Num[]
}
interface Case {
  op: string
  note?: string
  attrs: Record<string, AttrValue>
  inputs: (({ dtype: 'float' | 'fixed' | 'int64' | 'bool' | 'uint8' } & Figure) | null)[]
  output: Figure
  first?: (Num[] | null)[]
  second?: (Num[] | null)[]
}
// PyTorch's results; figures/elementwise.py says how they were made.
const figures: { cases: Case[] } = JSON.parse(
  readFileSync(new URL('./figures/elementwise.json', import.meta.url), 'utf8'),
)

type Precision = 'float32' | 'float64'
const number = (x: Num): number =>
  x === 'inf' ? Number.POSITIVE_INFINITY : x === '-inf' ? Number.NEGATIVE_INFINITY : x === 'nan' ? Number.NaN : x
const cycle = (shape: readonly number[], period: number, offset: number): number[] =>
  Array.from({ length: sizeOf(shape) }, (_, i) => (i % period) - offset)

/** Value, gradients and second derivatives, in the order of the figures. */
async function evaluate(c: Case, precision: Precision): Promise<Record<string, number[]>> {
  const g = graph()
  const feeds: Record<string, Tensor> = {}
  const leaves: (Value | null)[] = []
  const inputs = c.inputs.map((given, i): Value | null => {
    leaves.push(null)
    if (given === null) return null
    const { dtype, shape, data } = given
    const type = dtype === 'float' || dtype === 'fixed' ? precision : dtype
    const content = tensor(data.map(number), shape, type)
    // Exponents and axes are known when the graph is built; what is differentiated is fed.
    if (dtype !== 'float' || (c.op === 'Pow' && i === 1 && shape.length === 0)) return g.constant(content)
    feeds[`x${i}`] = content
    return (leaves[i] = g.input(`x${i}`, precision, shape))
  })
  const y = applyOp(operatorOf({ op: c.op, domain: '', name: c.op }), g, inputs, c.attrs).outputs[0]!
  const outputs: Record<string, Value> = { y }
  const wrt = leaves.filter(leaf => leaf !== null)
  const weigh = (value: Value, weights: number[]) =>
    reduceSum(mul(value, tensor(weights, value.shape as number[], precision)), { keepdims: 0 })
  if (c.first !== undefined && isFloat(y.dtype)) {
    const first = gradients(weigh(y, cycle(c.output.shape, 5, 1.5)), wrt, { unconnected: 'zeros' })
    wrt.forEach((leaf, i) => {
      outputs[`first of ${leaf.name}`] = first[i]!
    })
    const probes = first.map(gradient => weigh(gradient, cycle(gradient.shape as number[], 3, 0.75)))
    const second = gradients(probes, wrt, { unconnected: 'zeros' })
    wrt.forEach((leaf, i) => {
      outputs[`second of ${leaf.name}`] = second[i]!
    })
  }
  const result = await (await compile(g, { outputs })).run(feeds)
  expect(result.y!.shape).toEqual(c.output.shape)
  return Object.fromEntries(Object.entries(result).map(([name, t]) => [name, numbersOf(t)]))
}

/** Where a figure is not met: by how much, relative to it (and absolutely below `floor`). */
function misses(name: string, actual: readonly number[], expected: readonly Num[], relative: number, floor: number) {
  return expected.flatMap((figure, i) => {
    const [found, want] = [actual[i]!, number(figure)]
    if (Object.is(found, want) || found === want) return []
    const error = Math.abs(found - want) / Math.max(Math.abs(want), floor / relative)
    return error <= relative ? [] : [`${name}[${i}]: ${found} instead of ${want}`]
  })
}

async function compare(c: Case, precision: Precision): Promise<string[]> {
  const found = await evaluate(c, precision)
  const relative = 1e-6
  const floor = precision === 'float32' ? 1e-6 : 1e-11
  return Object.entries(found).flatMap(([name, actual]) => {
    const at = Number(name.match(/\d+$/)?.[0])
    const expected = name === 'y' ? c.output.data : name.startsWith('first') ? c.first?.[at] : c.second?.[at]
    return expected ? misses(name, actual, expected, relative, floor) : []
  })
}

/** What the runtime has no double kernel for on a CPU, in the value or in the gradient. */
const single = new Set(
  `Erf Tan Asin Acos Atan Sinh Cosh Asinh Acosh Atanh Softplus Softsign Elu Selu Celu LeakyRelu HardSwish Mish
  Gelu HardSigmoid ThresholdedRelu Shrink PRelu Hardmax Mean`.split(/\s+/),
)

// In single precision to 1e-6, and in double precision so that nothing hides below single precision's rounding.
describe.each([...new Set(figures.cases.map(c => c.op))])('%s', op => {
  const cases = figures.cases.filter(c => c.op === op)
  const title = (c: Case, i: number) => `case ${i} ${JSON.stringify(c.attrs)}${c.note ? ` (${c.note})` : ''}`
  test.each(cases.map((c, i) => [title(c, i), c] as const))(
    'has the values and derivatives of PyTorch: %s',
    async (_, c) => {
      expect(await compare(c, 'float32')).toEqual([])
      if (!single.has(op)) expect(await compare(c, 'float64')).toEqual([])
    },
  )
})
