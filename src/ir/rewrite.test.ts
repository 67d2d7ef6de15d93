import { describe, expect, test } from 'vitest'
import { operatorsOf, runTraced } from '../../test/run-traced.js'
import * as ops from '../ops/index.js'
import { copyNode, Graph, graph, rewrite, tensor, type Value } from './index.js'

const x = tensor([1, -2, 3])

describe('rewrite', () => {
  test('copies what the outputs need and leaves dead code behind', async () => {
    const g = graph()
    const input = g.input('x', 'float32', [3])
    const y = ops.add(ops.neg(input), g.constant(tensor([5]), 'five'))
    ops.exp(y)
    g.constant(tensor([6]), 'six')
    const traced = { graph: g, outputs: { y } }
    const copy = rewrite(traced)
    expect(copy.graph.nodes.map(node => node.op)).toEqual(['Neg', 'Add'])
    expect(copy.graph.constants.map(value => value.name)).toEqual(['five'])
    expect(copy.graph.nodes.map(node => node.name)).toEqual(g.nodes.slice(0, 2).map(node => node.name))
    expect(copy.outputs.y!.name).toBe(y.name)
    expect(copy.image.get(y)).toBe(copy.outputs.y)
    expect(g.nodes).toHaveLength(3)
    expect(await runTraced(copy, { x })).toEqual(await runTraced(traced, { x }))
  })

  test('keeps inputs nobody uses, and gives them other shapes when asked', () => {
    const g = graph()
    const y = ops.neg(g.input('x', 'float32', ['n']))
    g.input('spare', 'int64', [])
    const copy = rewrite({ graph: g, outputs: { y } }, undefined, ({ shape }) =>
      shape.map(dim => (dim === 'n' ? 3 : dim)),
    )
    expect(copy.graph.inputs.map(({ name, shape }) => [name, shape])).toEqual([
      ['x', [3]],
      ['spare', []],
    ])
  })

  test('puts other values in the place of a node, for everything that follows', async () => {
    const g = graph()
    const input = g.input('x', 'float32', [3])
    const y = ops.exp(ops.neg(ops.neg(input)))
    const traced = { graph: g, outputs: { y } }
    const less = rewrite(traced, (node, [value], to) => {
      if (node.op !== 'Neg') return undefined
      return value!.node?.op === 'Neg' ? [value!.node.inputs[0]!] : copyNode(node, [value!], to).outputs
    })
    expect(operatorsOf(less)).toEqual(['Exp'])
    expect(await runTraced(less, { x })).toEqual(await runTraced(traced, { x }))
  })

  test('what marks a node stays with it', () => {
    const g = graph()
    const input = g.input('x', 'float32', [3])
    const y = g.node({
      op: 'LeakyRelu',
      inputs: [input],
      attrs: { alpha: 1 },
      floatAttrs: ['alpha'],
      outputs: [input],
      stopGradient: true,
      keepOutputs: true,
    })
    const [copy] = rewrite({ graph: g, outputs: { y: y.outputs[0]! } }).graph.nodes
    expect(copy).toMatchObject({ attrs: { alpha: 1 }, floatAttrs: ['alpha'], stopGradient: true, keepOutputs: true })
  })

  test('bodies are copied, and use the values of the new graph', async () => {
    const g = graph()
    const c = g.input('c', 'bool', [])
    const h = ops.neg(g.input('x', 'float32', [3]))
    const body = (factor: number) => {
      const inner = new Graph(g)
      const times = (value: Value): Value =>
        inner.node({ op: 'Mul', inputs: [value, inner.constant(tensor(factor))], outputs: [value] }).outputs[0]!
      inner.results.push({ name: `r${factor}`, value: times(times(h)) })
      return inner
    }
    const y = g.node({ op: 'If', inputs: [c], attrs: { then_branch: body(2), else_branch: body(3) }, outputs: [h] })
      .outputs[0]!
    const traced = { graph: g, outputs: { y } }
    // Twice as large: the bodies must see the change.
    const doubled = rewrite(traced, (node, [value], to) =>
      node.op === 'Neg' ? [ops.mul(copyNode(node, [value!], to).outputs[0]!, 2)] : undefined,
    )
    expect(operatorsOf(doubled)).toEqual(['If', 'Mul', 'Neg'])
    const feeds = { x, c: tensor(false) }
    expect((await runTraced(traced, feeds)).y!.numbers).toEqual([-9, 18, -27])
    expect((await runTraced(doubled, feeds)).y!.numbers).toEqual([-18, 36, -54])
    expect((await runTraced(rewrite(doubled), feeds)).y!.numbers).toEqual([-18, 36, -54])
  })
})
