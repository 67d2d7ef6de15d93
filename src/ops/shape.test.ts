import { describe, expect, test } from 'vitest'
import { gradients } from '../autodiff/index.js'
import { graph, numbersOf, type Shape, tensor, type Value } from '../ir/index.js'
import { compile } from '../runtime/index.js'
import * as ops from './index.js'

const input = (shape: Shape): Value => graph().input('x', 'float32', shape)

describe('reshape', () => {
  test.each<[Shape, number[], Shape]>([
    [
      ['batch', 3, 4],
      [0, -1],
      ['batch', 12],
    ],
    [
      ['batch', 8, 6],
      [-1, 6],
      ['(batch*8)', 6],
    ],
    [
      ['batch', 3, 4],
      [-1, 12],
      ['batch', 12],
    ],
    [
      [2, 3, 4],
      [4, -1],
      [4, 6],
    ],
    [
      ['batch', 'time', 8],
      [0, 0, 2, 4],
      ['batch', 'time', 2, 4],
    ],
  ])('%j to %j is %j', (from, to, expected) => {
    expect(ops.reshape(input(from), to).shape).toEqual(expected)
  })

  test('to a shape put together from known extents keeps the names', () => {
    const x = input(['batch', 6])
    const dims = ops.concat([ops.slice(ops.shape(x), [0], [1]), [2, 3]], { axis: 0 })
    expect(ops.reshape(x, dims).shape).toEqual(['batch', 2, 3])
  })

  test('refuses what cannot be', () => {
    expect(() => ops.reshape(input([2, 3]), [4, 2])).toThrow(expect.objectContaining({ code: 'reshape-size' }))
    expect(() => ops.reshape(input([7]), [-1, 2])).toThrow(expect.objectContaining({ code: 'reshape-size' }))
    expect(() => ops.reshape(input([4]), [-1, -1])).toThrow(expect.objectContaining({ code: 'reshape-target' }))
    expect(() => ops.reshape(input([4]), [4, 0])).toThrow(expect.objectContaining({ code: 'reshape-target' }))
    expect(() => ops.reshape(input([4]), [-2, 2])).toThrow(expect.objectContaining({ code: 'reshape-target' }))
  })
})

describe('the shape operators', () => {
  test('refuse axes that are not there, not 1, or named twice', () => {
    expect(() => ops.squeeze(input([2, 1]), [0])).toThrow(expect.objectContaining({ code: 'squeeze' }))
    expect(() => ops.unsqueeze(input([2]), [0, -3])).toThrow(expect.objectContaining({ code: 'unsqueeze' }))
    expect(() => ops.flatten(input([2, 3]), { axis: 3 })).toThrow(
      expect.objectContaining({ code: 'axis-out-of-range' }),
    )
    expect(() => ops.transpose(input([2, 3]), { perm: [0, 0] })).toThrow(
      expect.objectContaining({ code: 'transpose-perm' }),
    )
    expect(() => ops.tile(input([2, 3]), [2])).toThrow(expect.objectContaining({ code: 'tile-repeats' }))
  })

  test('give every copy back to its origin, whatever the extents turn out to be', async () => {
    const g = graph()
    const x = g.input('x', 'float32', ['n', 1, 'm'])
    const wide = ops.expand(x, ops.concat([ops.slice(ops.shape(x), [0], [1]), [4, 1]], { axis: 0 }))
    const tiled = ops.tile(wide, [1, 2, 3])
    const squared = ops.mul(tiled, tiled)
    const [dx] = gradients(squared, [x])
    const program = await compile(g, { outputs: { y: tiled, dx: dx! } })
    for (const [n, m] of [
      [2, 3],
      [1, 1],
      [0, 2],
    ] as const) {
      const data = Float32Array.from({ length: n * m }, (_, i) => i + 1)
      const { y, dx: found } = await program.run({ x: tensor(data, [n, 1, m]) })
      expect(y!.shape).toEqual([n, 8, 3 * m])
      expect(numbersOf(found!)).toEqual([...data].map(v => 2 * v * 4 * 2 * 3))
    }
  })

  test('a range up to a known extent has that extent', () => {
    const x = input(['time', 2])
    const places = ops.range(0, ops.squeeze(ops.slice(ops.shape(x), [0], [1]), [0]), 1)
    expect(places.shape).toEqual(['time'])
    expect(ops.range(x.graph.constant(tensor([7n], [])), [1], [-2]).content).toEqual([7, 5, 3])
  })
})
