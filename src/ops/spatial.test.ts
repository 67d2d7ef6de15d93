import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { compile, type Graph, gradients, graph } from '../graph.js'
import { type AttrValue, numbersOf, type Tensor, tensor, type Value } from '../ir/index.js'
import { applyOp } from './define.js'
import { operatorOf } from './table.js'

interface Figure {
  shape: number[]
  data: number[]
}
interface Case {
  name: string
  op: string
  attrs: Record<string, AttrValue>
  inputs: Record<string, Figure>
  constants: Record<string, number[]>
  output: Figure
  outputGradient: Figure
  gradients: Record<string, Figure>
}
// PyTorch's results; the file says how they were made.
const figures: { cases: Case[] } = JSON.parse(readFileSync(new URL('./figures/spatial.json', import.meta.url), 'utf8'))

const tensorOf = ({ shape, data }: Figure): Tensor => tensor(data, shape, 'float32')

/** The operator of a case with its inputs as graph inputs; `open` names axes to leave symbolic. */
function build(g: Graph, c: Case, open: (input: string, axis: number) => string | undefined) {
  const record = operatorOf({ op: c.op, domain: '', name: c.name })
  const inputs = record.inputs.map(({ name }): Value | null => {
    const given = c.inputs[name]
    if (given !== undefined)
      return g.input(
        name,
        'float32',
        given.shape.map((extent, axis) => open(name, axis) ?? extent),
      )
    const constant = c.constants[name]
    return constant === undefined ? null : g.constant(tensor(BigInt64Array.from(constant, BigInt), [constant.length]))
  })
  while (inputs.at(-1) === null) inputs.pop()
  const y = applyOp(record, g, inputs, c.attrs).outputs[0]!
  return { y, leaves: inputs.filter((value): value is Value => value !== null && value.constant === null) }
}

/** Largest difference, relative to the largest figure. */
function difference(actual: Tensor, expected: Figure): number {
  expect(actual.shape).toEqual(expected.shape)
  const scale = Math.max(1, ...expected.data.map(Math.abs))
  return Math.max(...numbersOf(actual).map((x, i) => Math.abs(x - expected.data[i]!) / scale))
}

async function compare(c: Case, open: (input: string, axis: number) => string | undefined): Promise<void> {
  const g = graph()
  const { y, leaves } = build(g, c, open)
  const seed = g.input('seed', 'float32', y.shape)
  const found = gradients(
    y,
    leaves.map(leaf => leaf),
    { seeds: [seed] },
  )
  const program = await compile(g, {
    outputs: { y, ...Object.fromEntries(leaves.map((v, i) => [`d${v.name}`, found[i]!])) },
  })
  const feeds = Object.fromEntries(leaves.map(leaf => [leaf.name, tensorOf(c.inputs[leaf.name]!)]))
  const out = await program.run({ ...feeds, seed: tensorOf(c.outputGradient) })
  expect(difference(out.y!, c.output), 'output').toBeLessThan(2e-5)
  for (const leaf of leaves)
    expect(difference(out[`d${leaf.name}`]!, c.gradients[leaf.name]!), `gradient of ${leaf.name}`).toBeLessThan(2e-5)
}

describe.each(figures.cases.map(c => [c.op, c.name, c] as const))('%s, %s', (op, _name, c) => {
  test('gives the output and the gradients PyTorch gives', () => compare(c, () => undefined))
  if (op === 'Resize' || op === 'Col2Im') return
  test('also with a batch known only when it runs', () =>
    compare(c, (input, axis) => (input === 'X' && axis === 0 ? 'batch' : undefined)))
  const open = (input: string, axis: number) => (input === 'X' && axis !== 1 ? `extent${axis}` : undefined)
  // How many elements a window at the rim averages over is a constant of the graph.
  const counted =
    c.attrs.ceil_mode === 1 || (c.attrs.count_include_pad === 0 && (c.attrs.pads as number[]).some(p => p > 0))
  if (op === 'AveragePool' && counted)
    test('asks for extents it must know', () =>
      expect(compare(c, open)).rejects.toMatchObject({ code: 'dynamic-spatial' }))
  else test('also with extents known only when it runs', () => compare(c, open))
})
