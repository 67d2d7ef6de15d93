import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { floats, type GraphInit, int64s, model, node, port, type TensorInit } from '../../test/onnx-model.js'
import { decodeOnnx, encodeOnnx, FormatError, Graph, graph, isAnnealError, tensor } from './index.js'

const refused = (bytes: Uint8Array): FormatError => {
  try {
    decodeOnnx(bytes)
  } catch (error) {
    if (error instanceof FormatError) return error
    throw error
  }
  throw new Error('was accepted')
}
const identity = { input: [port('x', [2])], output: [port('y', [2])], node: [node('Identity', ['x'], ['y'])] }
const withTensor = (t: TensorInit): Uint8Array =>
  model({ ...identity, initializer: [{ name: 'w', ...t }] } as GraphInit)
const decoded = (t: TensorInit) => decodeOnnx(withTensor(t)).graph.initializers.get('w')!
const dims = (...extents: number[]) => extents.map(BigInt)

/** A small model with everything in it: attributes of all kinds, a body, metadata, training tensors. */
function valid(): Uint8Array {
  const g = graph()
  const x = g.input('x', 'float32', ['batch', 3])
  const w = g.constant(tensor([[1, 2, 3]]), 'dense/kernel')
  const body = new Graph(g)
  const doubled = body.node({ op: 'Mul', inputs: [x, w], outputs: [x] }).outputs[0]!
  body.results.push({ name: 'branch', value: doubled })
  const condition = g.constant(tensor(true), 'condition')
  const chosen = g.node({
    op: 'If',
    inputs: [condition],
    attrs: { then_branch: body, else_branch: body },
    outputs: [x],
  })
  const y = g.node({
    op: 'LeakyRelu',
    name: 'activation',
    inputs: [chosen.outputs[0]!],
    attrs: {
      alpha: 1,
      other: [1, 2],
      text: 'é',
      texts: ['a', 'b'],
      some: [0.5],
      t: tensor([1, 2], undefined, 'int64'),
    },
    floatAttrs: ['alpha', 'some'],
    outputs: [x],
  }).outputs[0]!
  return encodeOnnx(g, { outputs: { y }, metadata: { author: 'me' }, training: { 'adam/m': tensor([[1, 2]]) } })
}

describe('decodeOnnx', () => {
  test('gives back what encodeOnnx wrote', () => {
    const m = decodeOnnx(valid())
    expect(m.opsets).toEqual({ '': 21 })
    expect(m.metadata).toEqual({ author: 'me' })
    expect(m.training.get('adam/m')).toEqual(tensor([[1, 2]]))
    expect(m.graph.inputs).toEqual([{ name: 'x', dtype: 'float32', shape: ['batch', 3] }])
    expect(m.graph.initializers.get('dense/kernel')).toEqual(tensor([[1, 2, 3]]))
    const [choice, activation] = m.graph.nodes
    expect(choice!.attrs.then_branch).toMatchObject({ nodes: [{ op: 'Mul', inputs: ['x', 'dense/kernel'] }] })
    expect(activation).toMatchObject({ op: 'LeakyRelu', name: 'activation', opset: 21 })
    expect(activation!.attrs).toMatchObject({ alpha: 1, other: [1, 2], text: 'é', texts: ['a', 'b'], some: [0.5] })
    expect(activation!.attrs.t).toEqual(tensor([1, 2], undefined, 'int64'))
  })

  test("reads Node's Buffers, which share memory, without mixing up bytes", () => {
    const bytes = Buffer.concat([Buffer.from('???'), valid()]).subarray(3)
    const m = decodeOnnx(bytes)
    bytes.fill(0)
    expect(m.graph.initializers.get('dense/kernel')).toEqual(tensor([[1, 2, 3]]))
  })

  it.each<[string, TensorInit, readonly (number | bigint | string)[]]>([
    ['float32', { dataType: 1, dims: dims(2), floatData: [1.5, -2] }, [1.5, -2]],
    ['uint8', { dataType: 2, dims: dims(2), int32Data: [0, 255] }, [0, 255]],
    ['int8', { dataType: 3, dims: dims(2), int32Data: [-128, 127] }, [-128, 127]],
    ['uint16', { dataType: 4, dims: dims(1), int32Data: [65535] }, [65535]],
    ['int16', { dataType: 5, dims: dims(1), int32Data: [-32768] }, [-32768]],
    ['int32', { dataType: 6, dims: dims(1), int32Data: [-(2 ** 31)] }, [-(2 ** 31)]],
    [
      'int64',
      { dataType: 7, dims: dims(2), int64Data: [-(2n ** 63n), 2n ** 63n - 1n] },
      [-(2n ** 63n), 2n ** 63n - 1n],
    ],
    ['string', { dataType: 8, dims: dims(1), stringData: [new TextEncoder().encode('é')] }, ['é']],
    ['bool', { dataType: 9, dims: dims(2), int32Data: [0, 1] }, [0, 1]],
    ['float16', { dataType: 10, dims: dims(1), int32Data: [0x3c00] }, [0x3c00]],
    ['float64', { dataType: 11, dims: dims(1), doubleData: [Math.PI] }, [Math.PI]],
    ['uint32', { dataType: 12, dims: dims(1), uint64Data: [2n ** 32n - 1n] }, [2 ** 32 - 1]],
    ['uint64', { dataType: 13, dims: dims(1), uint64Data: [2n ** 64n - 1n] }, [2n ** 64n - 1n]],
    ['bfloat16', { dataType: 16, dims: dims(1), int32Data: [0x3f80] }, [0x3f80]],
    ['float32', { dataType: 1, dims: dims(0, 5) }, []],
    ['float32', { dataType: 1, dims: [], rawData: Uint8Array.of(0, 0, 128, 63) }, [1]],
    ['bool', { dataType: 9, dims: dims(2), rawData: Uint8Array.of(0, 2) }, [0, 1]],
  ])('reads %s elements from the field ONNX puts them in', (dtype, proto, expected) => {
    const t = decoded(proto)
    expect(t.dtype).toBe(dtype)
    expect(t.shape).toEqual(proto.dims!.map(Number))
    expect([...t.data]).toEqual(expected)
  })

  it.each<[string, TensorInit, string]>([
    ['int4', { dataType: 22, dims: dims(2), int32Data: [17] }, 'unsupported-dtype'],
    ['a dtype of the future', { dataType: 99, dims: dims(1), rawData: Uint8Array.of(1) }, 'unsupported-dtype'],
    ['no dtype', { dims: dims(1), floatData: [1] }, 'unsupported-dtype'],
    ['complex numbers', { dataType: 14, dims: dims(1), floatData: [1, 2] }, 'unsupported-dtype'],
    ['fewer elements than dims say', { dataType: 1, dims: dims(3), floatData: [1, 2] }, 'tensor-data'],
    ['more elements than dims say', { dataType: 1, dims: dims(1), floatData: [1, 2] }, 'tensor-data'],
    ['no elements', { dataType: 1, dims: dims(3) }, 'tensor-data'],
    ['raw bytes of another length', { dataType: 1, dims: dims(2), rawData: new Uint8Array(7) }, 'tensor-data'],
    ['elements in another field', { dataType: 1, dims: dims(1), int64Data: [1n] }, 'tensor-data'],
    ['elements twice', { dataType: 1, dims: dims(1), floatData: [1], rawData: new Uint8Array(4) }, 'tensor-data'],
    ['raw strings', { dataType: 8, dims: dims(1), rawData: new Uint8Array(4) }, 'tensor-data'],
    ['strings that are not UTF-8', { dataType: 8, dims: dims(1), stringData: [Uint8Array.of(255)] }, 'bad-text'],
    ['numbers too large for their dtype', { dataType: 3, dims: dims(1), int32Data: [128] }, 'value-range'],
    ['negative extents', { dataType: 1, dims: dims(-1, -1), floatData: [1] }, 'bad-dims'],
    ['a product that overflows', { dataType: 1, dims: [2n ** 32n, 2n ** 32n], floatData: [1] }, 'bad-dims'],
    ['100,000 axes', { dataType: 1, dims: new Array<bigint>(100_000).fill(1n), floatData: [1] }, 'bad-dims'],
    ['absurd sizes', { dataType: 1, dims: [2n ** 50n], rawData: new Uint8Array(4) }, 'tensor-data'],
    [
      'segments',
      { dataType: 1, dims: dims(1), segment: { begin: 0n, end: 1n }, floatData: [1] },
      'unsupported-segment',
    ],
  ])('refuses a tensor with %s', (_, proto, code) => {
    const error = refused(withTensor(proto))
    expect(error.code).toBe(code)
    expect(error.where).toContain('w')
  })

  const inner = (name: string): GraphInit => ({ node: [node('Identity', ['x'], [name])], output: [port(name, [2])] })
  it.each<[string, Uint8Array, string, string?]>([
    ['nothing at all', new Uint8Array(0), 'missing-graph'],
    ['bytes that are no protocol buffer', new TextEncoder().encode('<html></html>'), 'malformed'],
    ['no graph', model(undefined), 'missing-graph'],
    ['no operator set', model(identity, { opsetImport: [] }), 'missing-opset'],
    [
      'two versions of one operator set',
      model(identity, { opsetImport: [{ version: 9n }, { domain: 'ai.onnx', version: 10n }] }),
      'bad-opset',
    ],
    ['version 0', model(identity, { opset: 0 }), 'bad-opset'],
    [
      'a domain without a version',
      model({ ...identity, node: [node('Foo', ['x'], ['y'], {}, { domain: 'my' })] }),
      'missing-opset',
      'Foo → y',
    ],
    ['a node without operator', model({ ...identity, node: [node('', ['x'], ['y'])] }), 'missing-operator'],
    [
      'an undefined input',
      model({ ...identity, node: [node('Add', ['x', 'z'], ['y'], {}, { name: 'sum' })] }),
      'undefined-value',
      'sum',
    ],
    ['an undefined output', model({ ...identity, output: [port('z', [2])] }), 'undefined-value', 'outputs'],
    ['an output twice', model({ ...identity, output: [port('y', [2]), port('y', [2])] }), 'duplicate-name'],
    ['two inputs of one name', model({ ...identity, input: [port('x', [2]), port('x', [2])] }), 'duplicate-name', 'x'],
    [
      'two initializers of one name',
      model({ ...identity, initializer: [floats('w', [1]), floats('w', [1])] }),
      'duplicate-name',
      'w',
    ],
    [
      'a value computed twice',
      model({ ...identity, node: [node('Neg', ['x'], ['y']), node('Abs', ['x'], ['y'])] }),
      'duplicate-name',
      'y',
    ],
    [
      'a value that is an input, too',
      model({ ...identity, node: [node('Neg', ['x'], ['x'])], output: [port('x', [2])] }),
      'duplicate-name',
    ],
    ['an input without a name', model({ ...identity, input: [port('', [2])] }), 'missing-name'],
    ['a node that needs itself', model({ ...identity, node: [node('Add', ['x', 'y'], ['y'])] }), 'cycle'],
    [
      'a circle of nodes',
      model({
        ...identity,
        node: [node('Add', ['x', 'b'], ['a']), node('Neg', ['a'], ['b']), node('Neg', ['b'], ['y'])],
      }),
      'cycle',
    ],
    [
      'a circle through a body',
      model({
        ...identity,
        node: [
          node('If', ['c'], ['y'], {
            then_branch: { graph: { node: [node('Neg', ['c'], ['d'])], output: [port('d', [2])] } },
          }),
          node('Neg', ['y'], ['c']),
        ],
      }),
      'cycle',
    ],
    [
      'a body that hides a name',
      model({ ...identity, node: [node('If', ['x'], ['y'], { then_branch: { graph: inner('y') } })] }),
      'duplicate-name',
      'then_branch',
    ],
    [
      'a body with an undefined value',
      model({
        ...identity,
        node: [
          node('If', ['x'], ['y'], {
            then_branch: { graph: { node: [node('Neg', ['?'], ['t'])], output: [port('t', [2])] } },
          }),
        ],
      }),
      'undefined-value',
      'then_branch',
    ],
    [
      'sparse initializers',
      model({ ...identity, sparseInitializer: [{ values: floats('s', [1]) }] }),
      'sparse-initializer',
      's',
    ],
    [
      'an input that is a sequence',
      model({ ...identity, input: [{ name: 'x', type: { value: { case: 'sequenceType', value: {} } } }] }),
      'unsupported-type',
      'x',
    ],
    ['an input of a dtype nobody knows', model({ ...identity, input: [port('x', [2], 77)] }), 'unsupported-dtype', 'x'],
    ['an input with a negative extent', model({ ...identity, input: [port('x', [-1])] }), 'bad-dims', 'x'],
    [
      'an attribute twice',
      model({
        ...identity,
        node: [
          node(
            'Neg',
            ['x'],
            ['y'],
            [
              { name: 'a', type: 2, i: 1n },
              { name: 'a', type: 2, i: 1n },
            ],
          ),
        ],
      }),
      'duplicate-name',
    ],
    [
      'an attribute that is not what it says',
      model({
        ...identity,
        node: [node('Neg', ['x'], ['y'], [{ name: 'a', type: 2, f: 1 }], { name: 'n' })],
      }),
      'attribute-type',
      'n.a',
    ],
    [
      'an attribute without a value',
      model({ ...identity, node: [node('Neg', ['x'], ['y'], [{ name: 'a' }])] }),
      'attribute-type',
    ],
    [
      'a missing tensor in an attribute',
      model({ ...identity, node: [node('Neg', ['x'], ['y'], [{ name: 'a', type: 4 }])] }),
      'attribute-type',
    ],
    [
      'an attribute of sparse tensors',
      model({ ...identity, node: [node('Neg', ['x'], ['y'], [{ name: 'a', type: 12 }])] }),
      'unsupported-attribute',
    ],
    [
      'a training tensor twice',
      model(identity, { trainingInfo: [{ algorithm: { initializer: [floats('m', [1]), floats('m', [1])] } }] }),
      'duplicate-name',
      'training_info',
    ],
    [
      'metadata twice',
      model(identity, {
        metadataProps: [
          { key: 'a', value: '1' },
          { key: 'a', value: '2' },
        ],
      }),
      'duplicate-name',
    ],
    [
      'a function twice',
      model(identity, { functions: [0, 1].map(() => ({ name: 'F', domain: 'f', opsetImport: [{ version: 17n }] })) }),
      'duplicate-name',
    ],
  ])('refuses %s', (_, bytes, code, where) => {
    const error = refused(bytes)
    expect(error.code).toBe(code)
    if (where !== undefined) expect(error.where).toContain(where)
  })

  test('names the nodes of a circle', () => {
    const nodes = [node('Add', ['x', 'b'], ['a'], {}, { name: 'one' }), node('Neg', ['a'], ['b'], {}, { name: 'two' })]
    const error = refused(model({ ...identity, node: [...nodes, node('Neg', ['b'], ['y'])] }))
    expect(error.received).toMatch(/one ← two ← one/)
  })

  test('puts nodes in an order in which they can run, and leaves those that are in one', () => {
    const nodes = [
      node('Neg', ['b'], ['y']),
      node('If', ['x'], ['b'], {
        then_branch: { graph: { node: [node('Neg', ['a'], ['t'])], output: [port('t', [2])] } },
      }),
      node('Abs', ['x'], ['a']),
    ]
    expect(decodeOnnx(model({ ...identity, node: nodes })).graph.nodes.map(n => n.op)).toEqual(['Abs', 'If', 'Neg'])
    const sorted = [node('Abs', ['x'], ['b']), node('Neg', ['x'], ['a']), node('Add', ['a', 'b'], ['y'])]
    expect(decodeOnnx(model({ ...identity, node: sorted })).graph.nodes.map(n => n.op)).toEqual(['Abs', 'Neg', 'Add'])
  })

  test('takes a chain of 20,000 nodes in reverse order without running out of stack', () => {
    const count = 20_000
    const nodes = Array.from({ length: count }, (_, i) =>
      node('Neg', [i === 0 ? 'x' : `v${i - 1}`], [i === count - 1 ? 'y' : `v${i}`]),
    )
    expect(decodeOnnx(model({ ...identity, node: nodes.reverse() })).graph.nodes[0]!.inputs).toEqual(['x'])
  })

  test('reads files that list every initializer among the inputs, as ONNX once wanted', () => {
    const m = decodeOnnx(
      model(
        { ...identity, input: [port('x', [2]), port('w', [1])], initializer: [floats('w', [3])] },
        { irVersion: 3 },
      ),
    )
    expect(m.graph.initializers.get('w')).toEqual(tensor([3]))
  })

  test('gives extents without a name one made from the input', () => {
    const m = decodeOnnx(model({ ...identity, input: [port('x', ['', 'time'])] }))
    expect(m.graph.inputs[0]!.shape).toEqual(['x:0', 'time'])
  })

  test('integers that stand for "to the end" stay the largest there are', () => {
    const slice = node('Slice', ['x'], ['y'], [{ name: 'ends', type: 7, ints: [2n ** 63n - 1n, -(2n ** 63n)] }])
    const m = decodeOnnx(model({ ...identity, node: [slice] }))
    expect(m.graph.nodes[0]!.attrs.ends).toEqual([Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER])
  })

  test('refuses bodies nested without end', () => {
    let body: GraphInit = inner('deep')
    for (let i = 0; i < 40; i++)
      body = { node: [node('If', ['x'], [`v${i}`], { then_branch: { graph: body } })], output: [port(`v${i}`, [2])] }
    expect(
      refused(model({ ...identity, node: [node('If', ['x'], ['y'], { then_branch: { graph: body } })] })).code,
    ).toBe('too-deep')
  })

  test('refuses a small file that would fill the memory with messages', () => {
    const size = 4_200_000
    // More than two million empty nodes of two bytes each.
    const nodes = new Uint8Array(size)
    for (let i = 0; i < nodes.length; i += 2) nodes[i] = 0x0a
    const length = [0x80 | (size & 127), 0x80 | ((size >> 7) & 127), 0x80 | ((size >> 14) & 127), size >> 21]
    expect(refused(Uint8Array.from([0x3a, ...length, ...nodes])).code).toBe('too-many-messages')
  })

  it.each<[string, number[], RegExp]>([
    ['a length beyond the end', [0x3a, 0x7f], /byte 0 \(model.graph\)/],
    [
      'a length inside that is longer than what holds it',
      [0x3a, 0x02, 0x0a, 0x05, 0x00, 0x00, 0x00, 0x00, 0x00],
      /byte 2 \(model.graph.node\)/,
    ],
    ['a number that never ends', [0x08, ...new Array(11).fill(0x80)], /byte 1 \(model.ir_version\)/],
    ['a field number of 0', [0x00, 0x00], /byte 0/],
    ['a wire type that is none', [0x0f], /byte 0/],
    ['a graph that is a number', [0x38, 0x01], /byte 0 \(model.graph\)/],
  ])('says at which byte there is %s', (_, bytes, where) => {
    expect(refused(Uint8Array.from(bytes)).where).toMatch(where)
  })

  test('cut short at any byte, a model is refused, or was whole but for what comes last', () => {
    const bytes = valid()
    let read = 0
    for (let end = 0; end < bytes.length; end++) {
      try {
        decodeOnnx(bytes.subarray(0, end))
        read++
      } catch (error) {
        expect(error).toBeInstanceOf(FormatError)
      }
    }
    // Only between the top-level fields behind the graph: metadata and training tensors.
    expect(read).toBeLessThanOrEqual(3)
  })

  test('with bytes changed, cut out or put in, a model is read or refused, but nothing else happens', () => {
    const bytes = valid()
    const at = fc.nat(bytes.length - 1)
    const edit = fc.oneof(
      fc.record({ kind: fc.constant('set' as const), at, value: fc.nat(255) }),
      fc.record({ kind: fc.constant('bit' as const), at, value: fc.nat(7) }),
      fc.record({ kind: fc.constant('cut' as const), at, value: fc.integer({ min: 1, max: 40 }) }),
      fc.record({ kind: fc.constant('put' as const), at, value: fc.nat(255) }),
    )
    let refusals = 0
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), edits => {
        let changed = [...bytes]
        for (const { kind, at: i, value } of edits) {
          if (kind === 'set') changed[i] = value
          else if (kind === 'bit') changed[i]! ^= 1 << value
          else if (kind === 'cut') changed = [...changed.slice(0, i), ...changed.slice(i + value)]
          else changed.splice(i, 0, value)
        }
        try {
          decodeOnnx(Uint8Array.from(changed, x => x ?? 0))
        } catch (error) {
          refusals++
          expect(isAnnealError(error) && error.name).toBe('FormatError')
        }
      }),
      { numRuns: 1500, seed: 7 },
    )
    expect(refusals).toBeGreaterThan(500)
  })

  test('int64s and initializers keep their names and order', () => {
    const m = decodeOnnx(model({ ...identity, initializer: [int64s('b', [1, -1]), floats('a', [2], [1, 1])] }))
    expect([...m.graph.initializers.keys()]).toEqual(['b', 'a'])
    expect(m.graph.initializers.get('b')).toEqual(tensor(BigInt64Array.of(1n, -1n)))
  })
})
