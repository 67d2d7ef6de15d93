import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { gradients } from '../autodiff/index.js'
import { graph, numbersOf, tensor } from '../ir/index.js'
import { compile } from '../runtime/index.js'
import * as ops from './index.js'

const count = (shape: readonly number[], from = 0) =>
  tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => i + from),
    shape,
  )

describe('concat and split', () => {
  test('undo each other along any axis, and each part gets its own piece of the gradient', async () => {
    const cases = fc.record({
      rest: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 0, maxLength: 2 }),
      parts: fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 4 }),
      at: fc.nat(2),
      negative: fc.boolean(),
      symbolic: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(cases, async ({ rest, parts, at, negative, symbolic }) => {
        const rank = rest.length + 1
        const axis = at % rank
        const given = negative ? axis - rank : axis
        const shapes = parts.map(extent => rest.toSpliced(axis, 0, extent))
        const g = graph()
        const xs = shapes.map((shape, k) =>
          g.input(`x${k}`, 'float32', symbolic ? shape.map((_, i) => (i === axis ? `part${k}` : `d${i}`)) : shape),
        )
        const whole = ops.concat(xs, { axis: given })
        const sizes = ops.concat(
          xs.map(x => ops.slice(ops.shape(x), [axis], [axis + 1])),
          { axis: 0 },
        )
        const back = ops.split(whole, sizes, { axis: given })
        // The last part is left out, so that Split has an output without a gradient.
        const used = back.slice(0, Math.max(1, back.length - 1))
        const loss = used
          .map(part => ops.reduceSum(ops.mul(part, part), { keepdims: 0 }))
          .reduce((a, b) => ops.add(a, b))
        const found = gradients(loss, xs)
        const outputs = Object.fromEntries([...back.map((v, k) => [`y${k}`, v]), ...found.map((v, k) => [`g${k}`, v])])
        const feeds = Object.fromEntries(shapes.map((shape, k) => [`x${k}`, count(shape, 10 * k)]))
        const out = await (await compile(g, { outputs })).run(feeds)
        shapes.forEach((shape, k) => {
          const numbers = numbersOf(feeds[`x${k}`]!)
          expect(out[`y${k}`]!.shape).toEqual(shape)
          expect(numbersOf(out[`y${k}`]!)).toEqual(numbers)
          expect(numbersOf(out[`g${k}`]!)).toEqual(numbers.map(x => (k < used.length ? 2 * x : 0)))
        })
      }),
      { numRuns: 30, seed: 5 },
    )
  })

  test('the last of equal parts may be smaller', async () => {
    const g = graph()
    const parts = ops.split(g.input('x', 'float32', [7]), { num_outputs: 3 })
    expect(parts.map(part => part.shape)).toEqual([[3], [3], [1]])
    const { last } = await (await compile(g, { outputs: { last: parts[2]! } })).run({ x: count([7]) })
    expect(numbersOf(last!)).toEqual([6])
  })

  test('a single part may be all that is used', async () => {
    const g = graph()
    const [, middle] = ops.split(g.input('x', 'float32', [6]), [1, 2, 3])
    const { y } = await (await compile(g, { outputs: { y: middle! } })).run({ x: count([6]) })
    expect(numbersOf(y!)).toEqual([1, 2])
  })

  test('keep what is known of a shape', () => {
    const x = graph().input('x', 'float32', ['batch', 3, 4])
    const [rows, tail] = ops.split(ops.shape(x), [1, 2])
    expect(rows!.content).toEqual(['batch'])
    expect(ops.concat([tail!, rows!], { axis: 0 }).content).toEqual([3, 4, 'batch'])
  })

  test('refuse shapes that differ elsewhere and sizes that do not add up', () => {
    const g = graph()
    const a = g.input('a', 'float32', [2, 3])
    const b = g.input('b', 'float32', [3, 3])
    expect(() => ops.concat([a, b], { axis: 1 })).toThrow(expect.objectContaining({ code: 'concat-shape' }))
    expect(() => ops.split(a, [1, 1], { axis: 1 })).toThrow(expect.objectContaining({ code: 'split-sizes' }))
    expect(() => ops.split(a)).toThrow(expect.objectContaining({ code: 'split-parts' }))
  })
})
