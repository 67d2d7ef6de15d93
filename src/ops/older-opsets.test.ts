import * as ort from 'onnxruntime-node'
import { describe, expect, test } from 'vitest'
import { floats, INT64, int64s, model, node, port, type TensorInit } from '../../test/onnx-model.js'
import { compile, graph, importOnnx, numbersOf, tensor } from '../graph.js'
import { softmax } from './softmax.js'

interface Old {
  op: string
  opset: number
  attrs?: Parameters<typeof node>[3]
  more?: TensorInit[]
  /** What the graph is made of when it was read. */
  becomes: string[]
}
const axes = (name: string, opset: number, keepdims: number, list: number[] | undefined, becomes: string[]): Old => ({
  op: name,
  opset,
  attrs: list === undefined ? { keepdims } : { axes: list, keepdims },
  becomes,
})
// The runtime itself still reads these files: it says what they mean.
const cases: Old[] = [
  ...['Softmax', 'LogSoftmax', 'Hardmax'].flatMap((op): Old[] => [
    { op, opset: 11, becomes: ['Flatten', op, 'Reshape'] },
    { op, opset: 11, attrs: { axis: 0 }, becomes: ['Flatten', op, 'Reshape'] },
    { op, opset: 11, attrs: { axis: 2 }, becomes: [op] },
    { op, opset: 13, attrs: { axis: 1 }, becomes: [op] },
  ]),
  { op: 'Clip', opset: 9, attrs: { min: { float: -0.5 }, max: { float: 1 } }, becomes: ['Clip'] },
  { op: 'Clip', opset: 9, attrs: { max: { float: 0.25 } }, becomes: ['Clip'] },
  { op: 'Clip', opset: 12, more: [floats('low', [0], [])], becomes: ['Clip'] },
  axes('ReduceSum', 11, 0, [0, -1], ['ReduceSum']),
  axes('ReduceSum', 11, 1, undefined, ['ReduceSum']),
  axes('ReduceMean', 13, 1, [1], ['ReduceMean']),
  axes('ReduceMax', 17, 0, [2], ['ReduceMax']),
  axes('ReduceMin', 12, 1, [0], ['ReduceMin']),
  axes('ReduceProd', 13, 0, [1, 2], ['ReduceProd']),
  axes('ReduceL1', 11, 1, [1], ['ReduceL1']),
  axes('ReduceL2', 13, 0, undefined, ['ReduceL2']),
  axes('ReduceLogSumExp', 13, 1, [-1], ['ReduceLogSumExp']),
  axes('ReduceSumSquare', 11, 0, [0], ['ReduceSumSquare']),
  { op: 'ReduceSum', opset: 13, attrs: { keepdims: 0 }, more: [int64s('axes', [1])], becomes: ['ReduceSum'] },
  { op: 'Cast', opset: 9, attrs: { to: 11 }, becomes: ['Cast'] },
  { op: 'CastLike', opset: 15, more: [int64s('like', [0])], becomes: ['Cast'] },
  { op: 'Pow', opset: 9, more: [floats('two', [2], [])], becomes: ['Pow'] },
  { op: 'PRelu', opset: 9, more: [floats('slope', [0.5, 0.25, -1], [3, 1])], becomes: ['PRelu'] },
  { op: 'LeakyRelu', opset: 9, attrs: { alpha: { float: 0.3 } }, becomes: ['LeakyRelu'] },
  { op: 'Swish', opset: 24, attrs: { alpha: { float: 1.5 } }, becomes: ['Mul', 'Sigmoid', 'Mul'] },
]

const dims = [2, 3, 4]
const data = Float32Array.from({ length: 24 }, (_, i) => ((i * 7) % 11) / 4 - 1.25)
// What the output's dtype is, where it is not the input's.
const outputType = (c: Old): number => (c.op === 'Cast' ? 11 : c.op === 'CastLike' ? INT64 : 1)

describe('an operator of an older operator set means what it meant', () => {
  test.each(cases.map(c => [`${c.op}-${c.opset} ${JSON.stringify(c.attrs ?? {})}`, c] as const))('%s', async (_, c) => {
    const more = c.more ?? []
    const bytes = model(
      {
        input: [port('x', dims)],
        output: [{ ...port('y', [], outputType(c)), type: undefined } as ReturnType<typeof port>],
        initializer: more,
        node: [node(c.op, ['x', ...more.map(t => t.name!)], ['y'], c.attrs ?? {})],
      },
      { opset: c.opset, irVersion: c.opset > 21 ? 10 : 8 },
    )
    const session = await ort.InferenceSession.create(bytes)
    const wanted = (await session.run({ x: new ort.Tensor('float32', data, dims) })).y!
    const read = importOnnx(bytes)
    expect(read.graph.nodes.map(n => n.op)).toEqual(c.becomes)
    const found = (await (await compile(read.graph, { outputs: read.outputs })).run({ x: tensor(data, dims) })).y!
    expect(found.dtype).toBe(wanted.type)
    expect(found.shape).toEqual(wanted.dims)
    const expected = Array.from(wanted.data as ArrayLike<number | bigint>, Number)
    numbersOf(found).forEach((x, i) => {
      expect(x).toBeCloseTo(expected[i]!, 5)
    })
  })
})

test('a softmax of an older operator set keeps the names of symbolic dimensions', () => {
  const g = graph()
  const x = g.input('x', 'float32', ['batch', 3, 4])
  const old = { graph: g, op: 'Softmax', name: 'old', attrs: { axis: 1 }, inputs: [x], outputCount: 1 }
  expect(softmax.record.upgrade?.(old, 11)?.[0]?.shape).toEqual(['batch', 3, 4])
  expect(() => softmax.record.upgrade?.({ ...old, attrs: { axis: 5 } }, 11)).toThrow(/axis-out-of-range.*old/)
})
