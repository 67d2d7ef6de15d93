import { InferenceSession } from 'onnxruntime-node'
import { describe, expect, test } from 'vitest'
import { runTraced } from '../../test/run-traced.js'
import {
  decodeOnnx,
  encodeOnnx,
  Graph,
  GraphError,
  graph,
  liveNodes,
  type Tensor,
  tensor,
  type Value,
} from './index.js'

const apply = (op: string, inputs: Value[], more: object = {}): Value =>
  inputs[0]!.graph.node({ op, inputs, outputs: [inputs[0]!], ...more }).outputs[0]!
const x = tensor([1, -2, 3])
const run = async (outputs: Record<string, Value>, feeds: Record<string, Tensor> = { x }) => {
  const results = await runTraced({ graph: Object.values(outputs)[0]!.graph, outputs }, feeds)
  return Object.fromEntries(Object.entries(results).map(([name, { numbers }]) => [name, numbers]))
}

describe('encodeOnnx', () => {
  test('writes what the outputs need and no more, and only the inputs that are used', () => {
    const g = graph()
    const [a, b] = [g.input('a', 'float32', ['n']), g.input('b', 'float32', ['n'])]
    const y = apply('Neg', [a])
    apply('Abs', [b])
    g.constant(tensor([1]), 'spare')
    const kept = g.constant(tensor([2]), 'kept')
    const m = decodeOnnx(encodeOnnx(g, { outputs: { y }, keep: [kept] }))
    expect(m.graph.nodes.map(node => node.op)).toEqual(['Neg'])
    expect(m.graph.inputs).toEqual([{ name: 'a', dtype: 'float32', shape: ['n'] }])
    expect([...m.graph.initializers.keys()]).toEqual(['kept'])
    const declared = decodeOnnx(encodeOnnx(g, { outputs: { y }, inputs: [b, a] }))
    expect(declared.graph.inputs.map(port => port.name)).toEqual(['b', 'a'])
  })

  test('an output may be an input, a constant, or a value that is an output already', async () => {
    const g = graph()
    const input = g.input('x', 'float32', [3])
    const y = apply('Neg', [input])
    const c = g.constant(tensor([7]), 'c')
    expect(await run({ y, again: y, same: input, constant: c })).toEqual({
      y: [-1, 2, -3],
      again: [-1, 2, -3],
      same: [1, -2, 3],
      constant: [7],
    })
  })

  test('an output may bear the name of another value in between', async () => {
    const g = graph()
    const h = apply('Neg', [g.input('x', 'float32', [3])], { outputNames: ['y'] })
    const y = apply('Abs', [h], { outputNames: ['h'] })
    expect(await run({ y, h })).toEqual({ y: [1, 2, 3], h: [-1, 2, -3] })
  })

  test('an output that bears the name of an input is refused', () => {
    const g = graph()
    const y = apply('Neg', [g.input('x', 'float32', [3])])
    expect(() => encodeOnnx(g, { outputs: { x: y } })).toThrow(GraphError)
  })

  test('outputs of a node that nothing uses are left out', () => {
    const g = graph()
    const input = g.input('x', 'float32', [2, 3])
    const mask = { dtype: 'bool' as const, shape: [2, 3] }
    const { outputs } = g.node({ op: 'Dropout', inputs: [input], outputs: [input, mask] })
    expect(decodeOnnx(encodeOnnx(g, { outputs: { y: outputs[0]! } })).graph.nodes[0]!.outputs).toEqual(['y'])
    expect(decodeOnnx(encodeOnnx(g, { outputs: { m: outputs[1]! } })).graph.nodes[0]!.outputs).toHaveLength(2)
  })

  test('left-out inputs stay in their places', () => {
    const g = graph()
    const [a, b] = [g.input('a', 'float32', [3]), g.input('b', 'float32', [])]
    const y = g.node({ op: 'Clip', inputs: [a, null, b], outputs: [a] }).outputs[0]!
    const z = g.node({ op: 'Clip', inputs: [y, null, null], outputs: [a] }).outputs[0]!
    const [first, second] = decodeOnnx(encodeOnnx(g, { outputs: { z } })).graph.nodes
    expect(first!.inputs).toEqual(['a', '', 'b'])
    expect(second!.inputs).toHaveLength(1)
  })

  test('tells 1 from 1.0, as ONNX does', async () => {
    const g = graph()
    const y = apply('LeakyRelu', [g.input('x', 'float32', [3])], { attrs: { alpha: 1 }, floatAttrs: ['alpha'] })
    expect(await run({ y })).toEqual({ y: [1, -2, 3] })
  })

  test('names in bodies differ from all around them, also from those that came later', async () => {
    const g = graph()
    const c = g.input('c', 'bool', [])
    const input = g.input('x', 'float32', [3])
    const h = apply('Neg', [input])
    const body = (op: string) => {
      const inner = new Graph(g)
      const node = inner.node({
        op,
        name: 'late',
        inputs: [h, inner.constant(tensor([10]), 'ten')],
        outputs: [h],
        outputNames: ['same'],
      })
      inner.results.push({ name: 'y', value: node.outputs[0]! })
      return inner
    }
    const y = g.node({
      op: 'If',
      inputs: [c],
      attrs: { then_branch: body('Mul'), else_branch: body('Add') },
      outputs: [h],
    }).outputs[0]!
    const later = apply('Add', [y, g.constant(tensor([1]), 'ten')], { outputNames: ['same'] })
    const feeds = { x, c: tensor(true) }
    // The value the bodies take from around them is an output of another name.
    const outputs = { late: later, y, hidden: h }
    expect(await run(outputs, feeds)).toEqual({ late: [-9, 21, -29], y: [-10, 20, -30], hidden: [-1, 2, -3] })
    expect((await run(outputs, { x, c: tensor(false) })).y).toEqual([9, 12, 7])
  })

  test('bodies in bodies see everything around them', async () => {
    const g = graph()
    const c = g.input('c', 'bool', [])
    const h = apply('Neg', [g.input('x', 'float32', [3])])
    const nest = (outer: Graph, depth: number): Graph => {
      const inner = new Graph(outer)
      const doubled = inner.node({ op: 'Add', inputs: [h, h], outputs: [h] }).outputs[0]!
      const branch = depth === 0 ? null : nest(inner, depth - 1)
      const value =
        branch === null
          ? doubled
          : inner.node({ op: 'If', inputs: [c], attrs: { then_branch: branch, else_branch: branch }, outputs: [h] })
              .outputs[0]!
      inner.results.push({ name: 'r', value })
      return inner
    }
    const body = nest(g, 3)
    const y = g.node({ op: 'If', inputs: [c], attrs: { then_branch: body, else_branch: body }, outputs: [h] })
      .outputs[0]!
    expect(await run({ y }, { x, c: tensor(true) })).toEqual({ y: [-2, 4, -6] })
  })

  test('a chain of 20,000 nodes is written without running out of stack', () => {
    const g = graph()
    let y = g.input('x', 'float32', [1])
    for (let i = 0; i < 20_000; i++) y = apply('Neg', [y])
    expect(liveNodes([y])).toHaveLength(20_000)
    expect(decodeOnnx(encodeOnnx(g, { outputs: { y } })).graph.nodes).toHaveLength(20_000)
  })

  test('more constants than a file can hold are refused before anything is copied', () => {
    const g = graph()
    // Memory nobody touches is not taken.
    const [a, b] = ['a', 'b'].map(name => g.constant(tensor(new Float32Array(2 ** 28)), name)) as [Value, Value]
    const error = (() => {
      try {
        return encodeOnnx(g, { outputs: { y: apply('Add', [a, b]) } })
      } catch (cause) {
        return cause
      }
    })()
    expect(error).toMatchObject({ name: 'GraphError', code: 'too-large', where: 'a', received: '2.0 GiB' })
  })

  test('ONNX Runtime ignores what is kept for training', async () => {
    const g = graph()
    const y = apply('Neg', [g.input('x', 'float32', [3])])
    const bytes = encodeOnnx(g, { outputs: { y }, training: { 'adam/m': x }, metadata: { a: 'b' } })
    expect((await InferenceSession.create(bytes)).inputNames).toEqual(['x'])
  })
})
