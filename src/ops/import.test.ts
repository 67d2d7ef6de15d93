import fc from 'fast-check'
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node'
import { describe, expect, it, test } from 'vitest'
import { floats, type GraphInit, int64s, model, type NodeInit, node, port } from '../../test/onnx-model.js'
import {
  compile,
  encodeOnnx,
  type Graph,
  type GraphError,
  gradients,
  type ImportOptions,
  importOnnx,
  isAnnealError,
  numbersOf,
  type Tensor,
  tensor,
} from '../graph.js'
import { defineOp, graphAttr, int, ints } from './define.js'
import * as ops from './index.js'

const x = tensor([
  [1, -2, 3],
  [-4, 5, -6],
])
/** What anneal computes for an ONNX file. */
async function ours(bytes: Uint8Array, feeds: Record<string, Tensor>, options?: ImportOptions): Promise<number[][]> {
  const { graph, outputs } = importOnnx(bytes, options)
  const results = await (await compile(graph, { outputs })).run(feeds)
  return Object.keys(outputs).map(name => numbersOf(results[name]!))
}
/** What ONNX Runtime computes for it. */
async function theirs(bytes: Uint8Array, feeds: Record<string, Tensor>): Promise<number[][]> {
  const session = await InferenceSession.create(bytes, { logSeverityLevel: 4 })
  const given = Object.entries(feeds).map(([name, t]) => [
    name,
    new OrtTensor(t.dtype as 'float32', t.data as Float32Array, t.shape),
  ])
  const results = await session.run(Object.fromEntries(given))
  return session.outputNames.map(name => Array.from(results[name]!.data as Float32Array, Number))
}
const failure = (bytes: Uint8Array, options?: ImportOptions): GraphError => {
  try {
    importOnnx(bytes, options)
  } catch (error) {
    if (isAnnealError(error)) return error
    throw error
  }
  throw new Error('was accepted')
}
const graphOf = (nodes: NodeInit[], more: GraphInit = {}): GraphInit => ({
  input: [port('x', ['batch', 3])],
  output: [port('y', [])],
  node: nodes,
  ...more,
})
const outputOnly = (name: string, elemType?: number) => [{ ...port(name, [], elemType), type: undefined }]

describe('importOnnx', () => {
  test('builds a typed graph with the names of the file', () => {
    const bytes = model(
      graphOf(
        [node('MatMul', ['x', 'w'], ['h'], {}, { name: 'first' }), node('Relu', ['h'], ['y'], {}, { name: 'second' })],
        { initializer: [floats('w', [1, 2, 3, 4, 5, 6], [3, 2])], output: outputOnly('y') },
      ),
      { producerName: 'someone', metadataProps: [{ key: 'k', value: 'v' }] },
    )
    const m = importOnnx(bytes)
    expect(m.inputs.x).toMatchObject({ name: 'x', dtype: 'float32', shape: ['batch', 3] })
    expect(m.outputs.y).toMatchObject({
      name: 'y',
      dtype: 'float32',
      shape: ['batch', 2],
      node: { name: 'second', op: 'Relu' },
    })
    expect(m.graph.nodes[0]).toMatchObject({ name: 'first', outputs: [{ name: 'h' }] })
    expect(m.initializers.get('w')!.constant!.shape).toEqual([3, 2])
    expect(m).toMatchObject({ producer: 'someone', metadata: { k: 'v' }, opset: 17 })
  })

  test('what is imported computes what it did, and does so again when encoded and imported once more', async () => {
    const bytes = model(
      graphOf(
        [
          node('Gemm', ['x', 'w', 'b'], ['h'], { transB: 1, alpha: { float: 2 } }),
          node('Concat', ['h', 'x'], ['c'], { axis: -1 }),
          node('Split', ['c', 'sizes'], ['s0', 's1', 's2'], { axis: 1 }),
          node('LeakyRelu', ['s0'], ['l'], { alpha: { float: 1 } }),
          node('ReduceSum', ['s2', 'axes'], ['r'], { keepdims: 1 }),
          node('Mul', ['l', 'r'], ['y']),
        ],
        {
          initializer: [
            floats('w', [1, 2, 3, 4, 5, 6], [2, 3]),
            floats('b', [0.5, -0.5]),
            int64s('sizes', [2, 1, 2]),
            int64s('axes', [1]),
          ],
          output: outputOnly('y'),
        },
      ),
    )
    const truth = await theirs(bytes, { x })
    expect(await ours(bytes, { x })).toEqual(truth)
    const m = importOnnx(bytes)
    expect(await ours(encodeOnnx(m.graph, { outputs: m.outputs }), { x })).toEqual(truth)
  })

  const image = tensor(
    Float32Array.from({ length: 32 }, (_, i) => Math.sin(i)),
    [1, 2, 4, 4],
  )
  const onImage = (nodes: NodeInit[], initializer: GraphInit['initializer'] = []): GraphInit =>
    ({ input: [port('x', [1, 2, 4, 4])], output: outputOnly('y'), node: nodes, initializer }) as GraphInit
  it.each<[string, number, GraphInit, Tensor]>([
    [
      'Squeeze and Unsqueeze with axes as attributes',
      9,
      graphOf([node('Unsqueeze', ['x'], ['u'], { axes: [0, 2] }), node('Squeeze', ['u'], ['y'], { axes: [2] })]),
      x,
    ],
    ['Softmax over all axes from one on', 11, onImage([node('Softmax', ['x'], ['y'], { axis: 1 })]), image],
    ['LogSoftmax with its old default axis', 9, onImage([node('LogSoftmax', ['x'], ['y'])]), image],
    [
      'Clip with bounds as attributes',
      9,
      graphOf([node('Clip', ['x'], ['y'], { min: { float: -2 }, max: { float: 3.5 } })]),
      x,
    ],
    [
      'Slice with all in attributes, to the end',
      9,
      graphOf([
        node(
          'Slice',
          ['x'],
          ['y'],
          [
            { name: 'starts', type: 7, ints: [1n] },
            { name: 'ends', type: 7, ints: [2n ** 63n - 1n] },
            { name: 'axes', type: 7, ints: [1n] },
          ],
        ),
      ]),
      x,
    ],
    [
      'Pad with pads as attribute',
      9,
      graphOf([node('Pad', ['x'], ['y'], { pads: [0, 1, 1, 0], value: { float: 7 } })]),
      x,
    ],
    ['Split with sizes as attribute', 11, graphOf([node('Split', ['x'], ['y', 'z'], { axis: 1, split: [1, 2] })]), x],
    ['Split into equal parts', 12, graphOf([node('Split', ['x'], ['y', 'z', 'v'], { axis: 1 })]), x],
    [
      'ReduceMean with axes as attribute',
      13,
      graphOf([node('ReduceMean', ['x'], ['y'], { axes: [-1], keepdims: 0 })]),
      x,
    ],
    ['ReduceSum with axes as attribute', 11, graphOf([node('ReduceSum', ['x'], ['y'], { axes: [0] })]), x],
    [
      'Upsample',
      9,
      onImage([node('Upsample', ['x', 's'], ['y'], { mode: 'nearest' })], [floats('s', [1, 1, 2, 2])]),
      image,
    ],
    [
      'Resize of opset 10',
      10,
      onImage([node('Resize', ['x', 's'], ['y'], { mode: 'linear' })], [floats('s', [1, 1, 2, 2])]),
      image,
    ],
    [
      'Scatter',
      9,
      graphOf([node('Scatter', ['x', 'i', 'v'], ['y'], { axis: 1 })], {
        initializer: [int64s('i', [2, 0], [2, 1]), floats('v', [8, 9], [2, 1])],
      }),
      x,
    ],
    ['TopK with k as attribute', 9, graphOf([node('TopK', ['x'], ['y', 'z'], { k: 2, axis: 1 })]), x],
    [
      'BatchNormalization of opset 9',
      9,
      onImage(
        [node('BatchNormalization', ['x', 's', 'b', 'm', 'v'], ['y'], { epsilon: { float: 0.1 } })],
        [floats('s', [1, 2]), floats('b', [3, 4]), floats('m', [0.5, 0.25]), floats('v', [1, 4])],
      ),
      image,
    ],
    [
      'Flatten and Gemm without bias',
      11,
      onImage(
        [node('Flatten', ['x'], ['f']), node('Gemm', ['f', 'w'], ['y'])],
        [
          floats(
            'w',
            Array.from({ length: 64 }, (_, i) => Math.cos(i)),
            [32, 2],
          ),
        ],
      ),
      image,
    ],
    [
      'Cast and comparison',
      9,
      graphOf([node('Cast', ['x'], ['c'], { to: 11 }), node('Cast', ['c'], ['y'], { to: 6 })]),
      x,
    ],
    [
      'AveragePool of opset 10',
      10,
      onImage([node('AveragePool', ['x'], ['y'], { kernel_shape: [2, 2], pads: [1, 1, 0, 0], count_include_pad: 1 })]),
      image,
    ],
    ['a current operator set', 22, graphOf([node('HardSwish', ['x'], ['h']), node('Gelu', ['h'], ['y'])]), x],
  ])('computes what ONNX Runtime does: %s', async (_, opset, graph, feed) => {
    const outputs = (graph.node as NodeInit[]).at(-1)!.output as string[]
    const bytes = model({ ...graph, output: outputs.flatMap(name => outputOnly(name)) } as GraphInit, { opset })
    const [mine, truth] = [await ours(bytes, { x: feed }), await theirs(bytes, { x: feed })]
    expect(mine).toHaveLength(truth.length)
    mine.forEach((values, i) => {
      expect(values).toHaveLength(truth[i]!.length)
      for (const [k, value] of values.entries()) expect(value).toBeCloseTo(truth[i]![k]!, 5)
    })
  })

  test('keeps the names of values whose nodes are rewritten from an older operator set', () => {
    const nodes = [
      node('Unsqueeze', ['x'], ['u'], { axes: [0] }),
      node('Split', ['u'], ['a', 'y'], { axis: 0, split: [1, 0] }),
    ]
    const m = importOnnx(model(graphOf(nodes, { output: outputOnly('y') }), { opset: 11 }))
    expect(m.outputs.y!.name).toBe('y')
    expect(m.graph.nodes.flatMap(n => n.outputs).map(value => value.name)).toEqual(['u', 'a', 'y'])
  })

  test('gives values their names even where nodes bear the same', () => {
    const nodes = [node('Neg', ['x'], ['a'], {}, { name: 'y' }), node('Abs', ['a'], ['y'], {}, { name: 'a' })]
    const m = importOnnx(model(graphOf(nodes, { output: outputOnly('y') })))
    expect(m.outputs.y!.name).toBe('y')
    expect(m.outputs.y!.node!.inputs[0]!.name).toBe('a')
  })

  test('names all operators it does not know at once, those in bodies included', () => {
    const body = { node: [node('Blur', ['x'], ['t'])], output: outputOnly('t') } as GraphInit
    const nodes = [
      node('Reluu', ['x'], ['a'], {}, { name: 'first' }),
      node('Reluu', ['a'], ['b'], {}, { name: 'again' }),
      node('If', ['c'], ['d'], { then_branch: { graph: body } }),
      node('Add', ['b', 'x'], ['y'], {}, { domain: 'com.example' }),
    ]
    const bytes = model(graphOf(nodes, { initializer: [int64s('c', [1])] }), {
      opsetImport: [{ version: 17n }, { domain: 'com.example', version: 1n }],
    })
    const error = failure(bytes)
    expect(error).toMatchObject({ name: 'GraphError', code: 'unknown-operators' })
    expect(error.received).toEqual(expect.arrayContaining(['Blur', 'Reluu', 'com.example.Add']))
    expect(error.problems.find(p => p.received === 'Reluu')).toMatchObject({
      where: 'first, again',
      hint: expect.stringContaining('Relu'),
    })
  })

  it.each<[string, NodeInit, Tensor]>([
    ['value', node('Constant', [], ['k'], { value: { tensor: floats('', [1, 2, 3]) } }), tensor([1, 2, 3])],
    ['value_float', node('Constant', [], ['k'], { value_float: { float: 0.5 } }), tensor(0.5)],
    ['value_floats', node('Constant', [], ['k'], [{ name: 'value_floats', type: 6, floats: [1, 2] }]), tensor([1, 2])],
    ['value_int', node('Constant', [], ['k'], { value_int: -3 }), tensor(BigInt64Array.of(-3n), [])],
    ['value_ints', node('Constant', [], ['k'], { value_ints: [4, 5] }), tensor(BigInt64Array.of(4n, 5n))],
    ['value_string', node('Constant', [], ['k'], { value_string: 'é' }), { dtype: 'string', shape: [], data: ['é'] }],
  ])('takes Constant nodes with %s as constants', (_, constant, expected) => {
    const m = importOnnx(model(graphOf([constant, node('Shape', ['k'], ['y'])], { output: outputOnly('y') })))
    const value = m.outputs.y!.node!.inputs[0]!
    expect(value.name).toBe('k')
    expect(value.constant).toEqual(expected)
  })

  test('refuses a Constant without a value', () => {
    expect(failure(model(graphOf([node('Constant', [], ['y'])]))).code).toBe('bad-constant')
  })

  test('binds symbolic dimensions', () => {
    const nodes = [node('Shape', ['x'], ['s']), node('Reshape', ['x', 'm'], ['y'])]
    const bytes = model(graphOf(nodes, { initializer: [int64s('m', [-1])], output: outputOnly('y') }))
    expect(importOnnx(bytes).outputs.y!.shape).toEqual(['(batch*3)'])
    expect(importOnnx(bytes, { dims: { batch: 4 } }).outputs.y!.shape).toEqual([12])
    expect(failure(bytes, { dims: { bach: 4 } })).toMatchObject({ name: 'ConfigError', code: 'unknown-dimension' })
    expect(failure(bytes, { dims: { batch: 0.5 } })).toMatchObject({ name: 'ConfigError', code: 'bad-dimension' })
  })

  const trainable = model(
    graphOf([node('Mul', ['x', 'w'], ['h']), node('Add', ['h', 'b'], ['r']), node('Reshape', ['r', 's'], ['y'])], {
      initializer: [floats('w', [1, 2, 3]), floats('b', [1]), int64s('s', [-1])],
      output: outputOnly('y'),
    }),
  )
  test('makes inputs of all float initializers, or of those chosen, when asked', async () => {
    const all = importOnnx(trainable, { parameters: 'inputs' })
    expect([...all.parameters.keys()]).toEqual(['w', 'b'])
    expect(Object.keys(all.inputs)).toEqual(['x'])
    expect(all.graph.inputs.map(input => input.name)).toEqual(['x', 'w', 'b'])
    expect(all.initializers.get('w')!.constant).toBeNull()
    expect(all.outputs.y!.shape).toEqual(['(batch*3)'])
    const some = importOnnx(trainable, { parameters: name => name === 'b' })
    expect([...some.parameters]).toEqual([['b', tensor([1])]])
    expect(some.initializers.get('w')!.constant).toEqual(tensor([1, 2, 3]))
    const loss = ops.reduceSum(all.outputs.y!, { keepdims: 0 })
    const [dw] = gradients(loss, [all.initializers.get('w')!])
    const program = await compile(all.graph, { outputs: { dw: dw! } })
    const fed = await program.run({ x, ...Object.fromEntries(all.parameters) })
    expect(numbersOf(fed.dw!)).toEqual([-3, 3, -3])
  })

  test('differentiates with respect to initializers that are constants, small ones included', async () => {
    const { graph, outputs, initializers } = importOnnx(trainable)
    const [db] = gradients(ops.reduceSum(outputs.y!, { keepdims: 0 }), [initializers.get('b')!])
    const program = await compile(graph, { outputs: { db: db! } })
    expect(numbersOf((await program.run({ x })).db!)).toEqual([6])
  })

  test('computes the floats that exporters take for sizes while it reads, so that shapes are known', () => {
    const nodes = [
      node('Shape', ['x'], ['s']),
      node('Slice', ['s', 'two', 'four'], ['hw']),
      node('Cast', ['hw'], ['f'], { to: 1 }),
      node('Mul', ['f', 'half'], ['m']),
      node('Floor', ['m'], ['n']),
      node('Cast', ['n'], ['i'], { to: 7 }),
      node('Slice', ['s', 'zero', 'two'], ['nc']),
      node('Concat', ['nc', 'i'], ['sizes'], { axis: 0 }),
      node('Resize', ['x', '', '', 'sizes'], ['y'], { mode: 'nearest' }),
    ]
    const constants = [int64s('zero', [0]), int64s('two', [2]), int64s('four', [4])]
    const half = node('Constant', [], ['half'], { value_float: { float: 1.3 } })
    const graph = {
      input: [port('x', ['batch', 2, 5, 5])],
      output: outputOnly('y'),
      node: [half, ...nodes],
      initializer: constants,
    }
    expect(importOnnx(model(graph as GraphInit)).outputs.y!.shape).toEqual(['batch', 2, 6, 6])
  })

  test('puts functions of the file in the place of their calls', async () => {
    const functions = [
      {
        name: 'Scaled',
        domain: 'my',
        input: ['a', 'b'],
        output: ['r', 'same'],
        attribute: ['slope'],
        attributeProto: [{ name: 'axis', type: 2 as const, i: 1n }],
        opsetImport: [{ version: 11n }, { domain: 'my', version: 1n }],
        node: [
          node('LeakyRelu', ['a'], ['t'], [{ name: 'alpha', type: 1, refAttrName: 'slope' }]),
          // Softmax as of opset 11, though the model is of 17.
          node('Softmax', ['t'], ['u'], [{ name: 'axis', type: 2, refAttrName: 'axis' }]),
          node('Twice', ['u'], ['v'], {}, { domain: 'my' }),
          node('Add', ['v', 'b'], ['r']),
          node('Identity', ['a'], ['same']),
        ],
      },
      {
        name: 'Twice',
        domain: 'my',
        input: ['t'],
        output: ['u'],
        opsetImport: [{ version: 17n }],
        node: [node('Add', ['t', 't'], ['u'])],
      },
    ]
    const scaled = (inputs: string[], outputs: string[]) =>
      node('Scaled', inputs, outputs, { slope: { float: 0.25 } }, { domain: 'my', name: outputs[0]! })
    const bytes = model(
      graphOf([scaled(['x', 'x'], ['t', 'copy']), scaled(['t', 'copy'], ['y', 'unused'])], { output: outputOnly('y') }),
      { opsetImport: [{ version: 17n }, { domain: 'my', version: 1n }], functions },
    )
    expect(importOnnx(bytes).graph.nodes.filter(n => n.op === 'Softmax')).toHaveLength(2)
    const [mine, truth] = [await ours(bytes, { x }), await theirs(bytes, { x })]
    for (const [i, value] of mine[0]!.entries()) expect(value).toBeCloseTo(truth[0]![i]!, 5)
  })

  test('refuses functions that call themselves, or lack an attribute', () => {
    const call = node('F', ['x'], ['y'], {}, { domain: 'my' })
    const f = {
      name: 'F',
      domain: 'my',
      input: ['x'],
      output: ['y'],
      opsetImport: [{ version: 17n }, { domain: 'my', version: 1n }],
    }
    const opsetImport = [{ version: 17n }, { domain: 'my', version: 1n }]
    const bytes = (more: object) => model(graphOf([call]), { opsetImport, functions: [{ ...f, ...more }] })
    expect(failure(bytes({ node: [call] })).code).toBe('recursive-function')
    expect(failure(bytes({ node: [node('Neg', ['x'], ['y'])], attribute: ['a'] })).code).toBe('missing-attribute')
    // Twenty functions, each calling the one before ten times.
    const tower = Array.from({ length: 20 }, (_, i) => ({
      ...f,
      name: i === 19 ? 'F' : `F${i}`,
      node: Array.from({ length: 10 }, (_, k) =>
        i === 0
          ? node('Neg', ['x'], [k === 9 ? 'y' : `v${k}`])
          : node(`F${i - 1}`, ['x'], [k === 9 ? 'y' : `v${k}`], {}, { domain: 'my' }),
      ),
    }))
    expect(failure(model(graphOf([call]), { opsetImport, functions: tower })).code).toBe('too-large')
  })

  const choice = defineOp('If', {
    inputs: ['cond'],
    outputs: ['outputs*'],
    attrs: { then_branch: graphAttr.required(), else_branch: graphAttr.required() },
    infer: (_inputs, { then_branch }) =>
      then_branch.results.map(({ value }) => ({ dtype: value.dtype, shape: value.shape })),
    vjp: { cond: null },
    samples: [],
  }).record
  test('builds bodies, which may use what is around them, with operators of your own', async () => {
    const branch = (op: string, name: string): GraphInit =>
      ({
        name,
        node: [node('Constant', [], [`k${name}`], { value_float: { float: 10 } }), node(op, ['h', `k${name}`], [name])],
        output: outputOnly(name),
      }) as GraphInit
    const nodes = [
      node('Neg', ['x'], ['h']),
      node('If', ['c'], ['y'], {
        then_branch: { graph: branch('Mul', 'a') },
        else_branch: { graph: branch('Add', 'b') },
      }),
    ]
    const bytes = model(graphOf(nodes, { input: [port('x', ['batch', 3]), port('c', [], 9)], output: outputOnly('y') }))
    const operators = new Map([['.If', choice]])
    expect(failure(bytes).code).toBe('unknown-operators')
    const m = importOnnx(bytes, { operators })
    expect(m.outputs.y!.shape).toEqual(['batch', 3])
    for (const c of [true, false]) {
      const feeds = { x, c: tensor(c) }
      const truth = await theirs(bytes, feeds)
      expect(await ours(bytes, feeds, { operators })).toEqual(truth)
      // The result in a body is an output of the whole graph, too: names must not get mixed up.
      const { graph, outputs } = importOnnx(bytes, { operators })
      const h = graph.nodes[0]!.outputs[0]!
      const both = encodeOnnx(graph, { outputs: { h2: h, ...outputs } })
      expect(await theirs(both, feeds)).toEqual([numbersOf(x).map(v => -v), truth[0]])
    }
  })

  test('knows what Loop and Scan pass to their bodies where the file does not say', () => {
    const loose = (name: string) => ({ name })
    const record = (op: string, inputs: ['a', 'b?', 'rest*']) =>
      defineOp(op, {
        inputs,
        outputs: ['outputs*'],
        attrs: { body: graphAttr.required(), num_scan_inputs: int(0), scan_input_axes: ints.optional() },
        infer: (_inputs, { body }) => body.results.map(({ value }) => ({ dtype: value.dtype, shape: value.shape })),
        vjp: { a: null, b: null, rest: null },
        samples: [],
      }).record
    const operators = new Map([
      ['.Loop', record('Loop', ['a', 'b?', 'rest*'])],
      ['.Scan', record('Scan', ['a', 'b?', 'rest*'])],
    ])
    const pass = (names: string[]): GraphInit => ({
      name: 'body',
      input: names.map(loose),
      node: names.map(name => node('Identity', [name], [`${name}_out`])),
      output: names.map(name => loose(`${name}_out`)),
    })
    const bodies = (graph: GraphInit) => importOnnx(model(graph), { operators }).graph.nodes[0]!.attrs.body as Graph
    const typesOf = ({ inputs }: Graph) => inputs.map(({ dtype, shape }) => [dtype, shape])
    const loop = node('Loop', ['trips', '', 'x'], ['y'], { body: { graph: pass(['i', 'c', 's']) } })
    expect(
      typesOf(bodies(graphOf([loop], { output: outputOnly('y'), initializer: [int64s('trips', [2], [])] }))),
    ).toEqual([
      ['int64', []],
      ['bool', []],
      ['float32', ['batch', 3]],
    ])
    const scan = node('Scan', ['x', 'x', 'x'], ['y'], {
      body: { graph: pass(['s', 'p', 'q']) },
      num_scan_inputs: 2,
      scan_input_axes: [0, -1],
    })
    expect(typesOf(bodies(graphOf([scan], { output: outputOnly('y') })))).toEqual([
      ['float32', ['batch', 3]],
      ['float32', [3]],
      ['float32', ['batch']],
    ])
  })

  it.each<[string, Uint8Array, string, string?]>([
    [
      'an input without a type',
      model(graphOf([node('Neg', ['x'], ['y'])], { input: [{ name: 'x' }] })),
      'untyped-input',
      'x',
    ],
    [
      'an unknown attribute',
      model(graphOf([node('Neg', ['x'], ['y'], { speed: 1 }, { name: 'n' })])),
      'unknown-attribute',
      'n',
    ],
    [
      'an attribute of another type',
      model(graphOf([node('Concat', ['x'], ['y'], { axis: 'last' }, { name: 'n' })])),
      'bad-attribute',
      'n',
    ],
    ['a missing input', model(graphOf([node('Add', ['x'], ['y'], {}, { name: 'n' })])), 'missing-input', 'n'],
    ['too many inputs', model(graphOf([node('Neg', ['x', 'x'], ['y'], {}, { name: 'n' })])), 'too-many-inputs', 'n'],
    ['too many outputs', model(graphOf([node('Neg', ['x'], ['y', 'z'], {}, { name: 'n' })])), 'too-many-outputs', 'n'],
    [
      'shapes that do not fit',
      model(
        graphOf([node('MatMul', ['x', 'w'], ['y'], {}, { name: 'n' })], { initializer: [floats('w', [1, 2], [2, 1])] }),
      ),
      'matmul-inner',
      'n',
    ],
    [
      'an output that is not of the declared dtype',
      model(graphOf([node('Neg', ['x'], ['y'])], { output: [port('y', [], 7)] })),
      'output-type',
      'y',
    ],
    [
      'more parts than outputs',
      model(graphOf([node('Split', ['x'], ['y'], { num_outputs: 2 ** 31 })]), { opset: 18 }),
      'absurd-size',
    ],
    [
      'a million axes',
      model(
        graphOf([node('Unsqueeze', ['x', 'a'], ['y'])], { initializer: [int64s('a', new Array(1_000_000).fill(0))] }),
      ),
      'absurd-size',
    ],
  ])('refuses %s', (_, bytes, code, where) => {
    const error = failure(bytes)
    expect(error.code).toBe(code)
    if (where !== undefined) expect(error.where).toBe(where)
  })

  test('with bytes changed, a model is imported or refused with an error of ours, but nothing else happens', () => {
    const nodes = [
      node('Conv', ['x', 'w'], ['c'], {
        kernel_shape: [2, 2],
        pads: [1, 1, 0, 0],
        strides: [2, 2],
        dilations: [1, 1],
        group: 1,
      }),
      node('MaxPool', ['c'], ['p'], { kernel_shape: [2, 2] }),
      node('Shape', ['p'], ['s']),
      node('Gather', ['s', 'zero'], ['n'], { axis: 0 }),
      node('Unsqueeze', ['n', 'zero'], ['u']),
      node('Concat', ['u', 'minus'], ['t'], { axis: 0 }),
      node('Reshape', ['p', 't'], ['r']),
      node('Slice', ['r', 'zero1', 'two'], ['l']),
      node('Softmax', ['l'], ['m'], { axis: -1 }),
      node('Transpose', ['m'], ['q'], { perm: [1, 0] }),
      node('ReduceMean', ['q'], ['y'], { axes: [0], keepdims: 1 }),
    ]
    const bytes = model({
      input: [port('x', ['n', 1, 4, 4])],
      output: outputOnly('y'),
      node: nodes,
      initializer: [
        floats(
          'w',
          Array.from({ length: 8 }, (_, i) => i),
          [2, 1, 2, 2],
        ),
        int64s('zero', [0], []),
        int64s('zero1', [0]),
        int64s('minus', [-1]),
        int64s('two', [2]),
      ],
    } as GraphInit)
    const edits = fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 3 })
    let imported = 0
    fc.assert(
      fc.property(edits, changes => {
        const changed = bytes.slice()
        for (const [at, value] of changes) changed[at] = value
        try {
          importOnnx(changed)
          imported++
        } catch (error) {
          if (!isAnnealError(error)) throw error
        }
      }),
      { numRuns: 1500, seed: 3 },
    )
    expect(imported).toBeGreaterThan(30)
    expect(imported).toBeLessThan(1400)
  })
})
