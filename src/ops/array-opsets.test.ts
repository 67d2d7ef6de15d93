import * as ort from 'onnxruntime-node'
import { describe, expect, test } from 'vitest'
import { FLOAT, floats, INT64, int64s, model, node, port, type TensorInit } from '../../test/onnx-model.js'
import { compile, gradients, importOnnx, numbersOf, tensor } from '../graph.js'

interface Old {
  readonly op: string
  readonly opset: number
  readonly attrs?: Parameters<typeof node>[3]
  readonly more?: readonly TensorInit[]
  /** Element types of the outputs; one float when left out. */
  readonly outputs?: readonly number[]
  /** Shape of x, where it is not [2, 3, 4]. */
  readonly dims?: readonly number[]
  /** Input names in order, where x is not the first and only one of them. */
  readonly order?: readonly string[]
}
const BOOL = 9
const bools = (name: string, values: readonly number[]): TensorInit => ({
  name,
  dataType: BOOL,
  dims: [BigInt(values.length)],
  rawData: Uint8Array.from(values),
})
const channels = (values: readonly number[][]) => values.map((list, i) => floats(`p${i}`, list))
const statistics = channels([
  [1, 2, 0.5],
  [0, 1, -1],
  [0.25, 0, -0.5],
  [1, 0.5, 2],
])

// The runtime itself still reads these files: it says what they mean.
const cases: Old[] = [
  { op: 'Slice', opset: 9, attrs: { starts: [0, 1], ends: [1, 9], axes: [0, -1] } },
  { op: 'Slice', opset: 9, attrs: { starts: [1], ends: [-1] } },
  { op: 'Slice', opset: 10, more: [int64s('from', [3]), int64s('to', [0]), int64s('axes', [2]), int64s('by', [-2])] },
  { op: 'Pad', opset: 9, attrs: { pads: [0, 1, 0, 1, 0, 2], value: { float: 1.5 } } },
  { op: 'Pad', opset: 10, attrs: { pads: [0, 0, 2, 0, 1, 3], mode: 'reflect' } },
  { op: 'Pad', opset: 9, attrs: { pads: [0, 0, -1, 1, 0, 2], mode: 'edge' } },
  { op: 'Pad', opset: 13, more: [int64s('pads', [0, 0, 1, 0, 0, 0]), floats('fill', [2], [])] },
  { op: 'Squeeze', opset: 11, attrs: { axes: [1] }, dims: [2, 1, 3] },
  { op: 'Squeeze', opset: 12, dims: [2, 1, 3] },
  { op: 'Unsqueeze', opset: 11, attrs: { axes: [0, 2] } },
  { op: 'Flatten', opset: 9, attrs: { axis: 2 } },
  { op: 'Reshape', opset: 9, more: [int64s('shape', [0, -1])] },
  { op: 'Expand', opset: 9, more: [int64s('shape', [2, 1, 3, 1])], dims: [3, 4] },
  { op: 'Tile', opset: 9, more: [int64s('repeats', [1, 2, 1])] },
  { op: 'Split', opset: 11, attrs: { axis: 2, split: [1, 3] }, outputs: [FLOAT, FLOAT] },
  { op: 'Split', opset: 9, attrs: { axis: -1 }, outputs: [FLOAT, FLOAT] },
  { op: 'Split', opset: 13, more: [int64s('split', [3, 1])], attrs: { axis: 2 }, outputs: [FLOAT, FLOAT] },
  { op: 'Split', opset: 17, attrs: { axis: 1 }, outputs: [FLOAT, FLOAT, FLOAT] },
  { op: 'TopK', opset: 9, attrs: { k: 2, axis: 1 }, outputs: [FLOAT, INT64] },
  { op: 'TopK', opset: 10, more: [int64s('k', [3])], outputs: [FLOAT, INT64] },
  { op: 'TopK', opset: 11, more: [int64s('k', [2])], attrs: { largest: 0, axis: 0 }, outputs: [FLOAT, INT64] },
  { op: 'ArgMax', opset: 9, attrs: { axis: 1, keepdims: 0 }, outputs: [INT64] },
  { op: 'ArgMin', opset: 12, attrs: { axis: -1, select_last_index: 1 }, outputs: [INT64] },
  { op: 'Gather', opset: 9, more: [int64s('indices', [2, 0])], attrs: { axis: 1 } },
  { op: 'GatherElements', opset: 11, more: [int64s('indices', [0, -1, 2], [1, 3, 1])], attrs: { axis: 2 } },
  { op: 'GatherND', opset: 12, more: [int64s('indices', [2, 0], [2, 1])], attrs: { batch_dims: 1 } },
  {
    op: 'Scatter',
    opset: 9,
    more: [int64s('at', [2, 0], [1, 2, 1]), floats('put', [7, 8], [1, 2, 1])],
    attrs: { axis: 2 },
  },
  {
    op: 'ScatterElements',
    opset: 11,
    more: [int64s('at', [2, 0], [1, 2, 1]), floats('put', [7, 8], [1, 2, 1])],
    attrs: { axis: -1 },
  },
  { op: 'ScatterND', opset: 11, more: [int64s('at', [1, 2], [1, 2]), floats('put', [1, 2, 3, 4], [1, 4])] },
  { op: 'Compress', opset: 9, more: [bools('keep', [0, 1, 1])], attrs: { axis: 1 } },
  { op: 'Compress', opset: 11, more: [bools('keep', [0, 1, 0, 1])] },
  { op: 'NonZero', opset: 9, outputs: [INT64] },
  { op: 'Unique', opset: 11, outputs: [FLOAT, INT64, INT64, INT64] },
  { op: 'Trilu', opset: 14, more: [int64s('k', [1], [])], attrs: { upper: 0 } },
  { op: 'EyeLike', opset: 9, attrs: { k: -1 }, dims: [3, 4] },
  { op: 'CumSum', opset: 11, more: [int64s('axis', [1], [])], attrs: { exclusive: 1, reverse: 1 } },
  {
    op: 'OneHot',
    opset: 9,
    more: [int64s('indices', [0, 2]), int64s('depth', [3], []), floats('pair', [0, 2])],
    order: ['indices', 'depth', 'pair'],
    attrs: { axis: 0 },
  },
  {
    op: 'Gemm',
    opset: 9,
    more: [floats('b', [1, 2, 3, 4, 5, 6], [2, 3]), floats('c', [1, 2])],
    attrs: { transB: 1, beta: { float: 0.5 } },
    dims: [4, 3],
  },
  { op: 'MatMul', opset: 9, more: [floats('b', [1, 2, 3, 4], [4])] },
  { op: 'Einsum', opset: 12, attrs: { equation: '...ij -> ...ji' } },
  { op: 'Dropout', opset: 9, attrs: { ratio: { float: 0.3 } } },
  { op: 'Dropout', opset: 10, attrs: { ratio: { float: 0.3 } } },
  { op: 'Dropout', opset: 12, more: [floats('ratio', [0.3], [])] },
  { op: 'BatchNormalization', opset: 9, more: statistics, attrs: { epsilon: { float: 0.01 } } },
  {
    op: 'BatchNormalization',
    opset: 14,
    more: statistics,
    attrs: { training_mode: 1, momentum: { float: 0.5 } },
    outputs: [FLOAT, FLOAT, FLOAT],
  },
  { op: 'BatchNormalization', opset: 15, more: statistics },
  {
    op: 'InstanceNormalization',
    opset: 9,
    more: channels([
      [1, 2, 0.5],
      [0, 1, -1],
    ]),
  },
  {
    op: 'GroupNormalization',
    opset: 18,
    more: channels([
      [1, 2],
      [0, -1],
    ]),
    attrs: { num_groups: 2, epsilon: { float: 0.1 } },
    dims: [2, 4, 3],
  },
  {
    op: 'GroupNormalization',
    opset: 21,
    more: channels([
      [1, 2, 3, 4],
      [0, -1, 1, 0],
    ]),
    attrs: { num_groups: 2 },
    dims: [2, 4, 3],
  },
  {
    op: 'LayerNormalization',
    opset: 17,
    more: channels([
      [1, 2, 3, 4],
      [0, -1, 1, 0],
    ]),
    outputs: [FLOAT, FLOAT, FLOAT],
  },
  { op: 'RMSNormalization', opset: 23, more: channels([[1, 2, 3, 4]]) },
  { op: 'LpNormalization', opset: 9, attrs: { axis: 1, p: 1 } },
  { op: 'LRN', opset: 9, attrs: { size: 3, alpha: { float: 0.5 } }, dims: [1, 3, 2, 2] },
  { op: 'MeanVarianceNormalization', opset: 9, dims: [2, 3, 2, 2] },
]

const draw = (dims: readonly number[]) =>
  Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => ((i * 7) % 11) / 4 - 1.25 + i / 64)

describe('a file of an older operator set means what it meant', () => {
  test.each(cases.map(c => [`${c.op}-${c.opset} ${JSON.stringify(c.attrs ?? {})}`, c] as const))('%s', async (_, c) => {
    const dims = c.dims ?? [2, 3, 4]
    const more = c.more ?? []
    const types = c.outputs ?? [FLOAT]
    const bytes = model(
      {
        input: c.order ? [] : [port('x', dims)],
        output: types.map((type, i) => ({ ...port(`y${i}`, [], type), type: undefined }) as ReturnType<typeof port>),
        initializer: [...more],
        node: [
          node(
            c.op,
            [...(c.order ?? ['x', ...more.map(t => t.name!)])],
            types.map((_, i) => `y${i}`),
            c.attrs ?? {},
          ),
        ],
      },
      { opset: c.opset, irVersion: c.opset > 21 ? 10 : 8 },
    )
    const data = draw(dims)
    const session = await ort.InferenceSession.create(bytes)
    const wanted = await session.run(c.order ? {} : { x: new ort.Tensor('float32', data, dims) })
    const read = importOnnx(bytes)
    const found = await (await compile(read.graph, { outputs: read.outputs })).run(
      c.order ? {} : { x: tensor(data, dims) },
    )
    types.forEach((_, i) => {
      const [actual, expected] = [found[`y${i}`]!, wanted[`y${i}`]!]
      expect(actual.dtype).toBe(expected.type)
      expect(actual.shape).toEqual(expected.dims)
      const numbers = Array.from(expected.data as ArrayLike<number | bigint>, Number)
      numbersOf(actual).forEach((x, k) => {
        expect(x).toBeCloseTo(numbers[k]!, 5)
      })
    })
  })
})

describe('training forms of old files', () => {
  test('batch normalization with five outputs learns and reports the batch’s own statistics', async () => {
    const outputs = ['y', 'mean', 'variance', 'saved_mean', 'saved_variance']
    const bytes = model(
      {
        input: [port('x', [4, 2])],
        output: outputs.map(name => port(name, name === 'y' ? [4, 2] : [2])),
        initializer: channels([
          [1, 2],
          [0, 1],
          [0, 0],
          [1, 1],
        ]),
        node: [node('BatchNormalization', ['x', 'p0', 'p1', 'p2', 'p3'], outputs, { momentum: { float: 0.5 } })],
      },
      { opset: 9, irVersion: 8 },
    )
    const read = importOnnx(bytes)
    const [dx] = gradients(read.outputs.y!, [read.graph.inputs[0]!])
    const program = await compile(read.graph, { outputs: { ...read.outputs, dx: dx! } })
    const out = await program.run({ x: tensor([1, 10, 2, 20, 3, 30, 4, 40], [4, 2]) })
    expect(numbersOf(out.saved_mean!)).toEqual([2.5, 25])
    expect(numbersOf(out.saved_variance!)).toEqual([1.25, 125])
    expect(numbersOf(out.mean!)).toEqual([1.25, 12.5])
    expect(numbersOf(out.variance!)).toEqual([1.125, 63])
    // A shift of the whole batch changes nothing.
    expect(Math.max(...numbersOf(out.dx!).map(Math.abs))).toBeLessThan(1e-5)
  })

  test('statistics for each activation, as `spatial` 0 meant', async () => {
    const places = { dims: [2n, 2n].map(BigInt) }
    const bytes = model(
      {
        input: [port('x', [1, 2, 2])],
        output: [port('y', [1, 2, 2])],
        initializer: [
          [1, 2, 3, 4],
          [0, 0, 0, 1],
          [1, 1, 2, 2],
          [3, 3, 3, 3],
        ].map((list, i) => ({ ...floats(`p${i}`, list), ...places })),
        node: [node('BatchNormalization', ['x', 'p0', 'p1', 'p2', 'p3'], ['y'], { spatial: 0, epsilon: { float: 1 } })],
      },
      { opset: 9, irVersion: 8 },
    )
    const read = importOnnx(bytes)
    const out = await (await compile(read.graph, { outputs: read.outputs })).run({ x: tensor([2, 3, 4, 5], [1, 2, 2]) })
    expect(numbersOf(out.y!)).toEqual([0.5, 2, 3, 7])
  })
})
