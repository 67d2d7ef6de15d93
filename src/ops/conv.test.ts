import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compile, gradients, graph } from '../graph.js'
import { counterRandom, numbersOf, sizeOf, type Tensor, tensor } from '../ir/index.js'
import type { RuleContext } from './define.js'
import * as ops from './index.js'

const drawn = (seed: number, shape: readonly number[]): Tensor => {
  const random = counterRandom(seed)
  return tensor(
    Array.from({ length: sizeOf(shape) }, (_, i) => random.normal(i)),
    shape,
    'float32',
  )
}

describe('a convolution that cannot be', () => {
  const g = graph()
  const x = g.input('x', 'float32', ['batch', 3, 8, 8])
  const w = (shape: number[]) => g.constant(drawn(1, shape))
  test.each([
    ['another number of channels', () => ops.conv(x, w([4, 2, 3, 3])), 'conv-channels'],
    ['groups that do not divide its outputs', () => ops.conv(x, w([4, 1, 3, 3]), { group: 3 }), 'conv-groups'],
    ['no group', () => ops.conv(x, w([4, 3, 3, 3]), { group: 0 }), 'conv-channels'],
    ['a bias of another length', () => ops.conv(x, w([4, 3, 3, 3]), w([3])), 'conv-bias'],
    ['a window larger than the image', () => ops.conv(x, w([4, 3, 9, 3])), 'window-too-large'],
    ['strides for one axis too few', () => ops.conv(x, w([4, 3, 3, 3]), null, { strides: [2] }), 'window-attribute'],
    ['a stride of zero', () => ops.conv(x, w([4, 3, 3, 3]), null, { strides: [0, 1] }), 'window-attribute'],
    ['pads for one side only', () => ops.conv(x, w([4, 3, 3, 3]), null, { pads: [1, 1] }), 'window-attribute'],
    ['a kernel of another rank', () => ops.conv(x, w([4, 3, 3])), 'window-rank'],
    ['a pool without extent', () => ops.maxPool(x, { kernel_shape: [0, 2] }), 'window-attribute'],
  ])('with %s says so', (_name, build, code) => {
    expect(build).toThrow(expect.objectContaining({ name: 'ShapeError', code }))
  })
})

test('SAME padding keeps unknown extents, divided by the stride', () => {
  const g = graph()
  const x = g.input('x', 'float32', ['n', 1, 'h', 'w'])
  const w = g.constant(drawn(1, [2, 1, 3, 3]))
  expect(ops.conv(x, w, null, { auto_pad: 'SAME_UPPER' }).shape).toEqual(['n', 2, 'h', 'w'])
  expect(ops.conv(x, w, null, { auto_pad: 'SAME_LOWER', strides: [2, 2] }).shape).toEqual([
    'n',
    2,
    '((h+1)/2)',
    '((w+1)/2)',
  ])
})

test('the gradient of SAME padding with a stride asks for extents it must know', () => {
  const g = graph()
  const x = g.input('x', 'float32', ['n', 1, 'h', 8])
  const y = ops.conv(x, g.constant(drawn(1, [2, 1, 3, 3])), null, { auto_pad: 'SAME_UPPER', strides: [2, 2] })
  expect(() => gradients(y, [x])).toThrow(
    expect.objectContaining({ code: 'dynamic-spatial', hint: expect.stringContaining('dims') }),
  )
})

/** Squared norms by the record's own rule, and those of the gradients of each example alone. */
async function norms(shape: number[], kernel: number[], options: Parameters<typeof ops.conv>[3]) {
  const batch = shape[0]!
  const g = graph()
  const x = g.input('x', 'float32', shape)
  const w = g.constant(drawn(5, kernel))
  const b = g.constant(drawn(6, [kernel[0]!]))
  const y = ops.conv(x, w, b, options)
  const seed = g.constant(drawn(3, y.shape as number[]))
  const { record } = ops.conv
  const context = {
    in: { X: x, W: w, B: b },
    out: [y],
    grads: [seed],
    attrs: y.node!.attrs,
    node: y.node!,
    graph: g,
    position: 0,
  }
  const rule = (name: string) => record.perExample[name]!(seed, context as unknown as RuleContext) // the record's own names
  const outputs: Record<string, typeof y> = { w: rule('W'), b: rule('B') }
  for (let i = 0; i < batch; i++) {
    const at = (v: typeof y) => ops.slice(v, [i], [i + 1], [0])
    const [dw, db] = gradients(ops.conv(at(x), w, b, options), [w, b], { seeds: [at(seed)] })
    outputs[`w${i}`] = ops.reduceSumSquare(dw!, { keepdims: 0 })
    outputs[`b${i}`] = ops.reduceSumSquare(db!, { keepdims: 0 })
  }
  const out = await (await compile(g, { outputs })).run({ x: drawn(4, shape) })
  const single = (name: string) => Array.from({ length: batch }, (_, i) => numbersOf(out[`${name}${i}`]!)[0]!)
  return (['w', 'b'] as const).map(name => ({ together: numbersOf(out[name]!), alone: single(name) }))
}

describe('norms of the gradients of single examples', () => {
  test('are those of each example alone, whatever the convolution', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          batch: fc.integer({ min: 1, max: 3 }),
          group: fc.integer({ min: 1, max: 2 }),
          perIn: fc.integer({ min: 1, max: 4 }),
          perOut: fc.integer({ min: 1, max: 4 }),
          size: fc.integer({ min: 3, max: 7 }),
          window: fc.integer({ min: 1, max: 3 }),
          stride: fc.integer({ min: 1, max: 2 }),
          padding: fc.integer({ min: 0, max: 1 }),
        }),
        async ({ batch, group, perIn, perOut, size, window, stride, padding }) => {
          const found = await norms([batch, group * perIn, size, size], [group * perOut, perIn, window, window], {
            group,
            strides: [stride, stride],
            pads: [padding, padding, padding, padding],
          })
          for (const { together, alone } of found)
            for (const [i, norm] of together.entries()) expect(Math.abs(norm / alone[i]! - 1)).toBeLessThan(1e-4)
        },
      ),
      { numRuns: 25 },
    )
  })
})
