import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { optimizers } from '../index.js'
import { type Tensor, tensor } from '../ir/index.js'
import * as ops from '../ops/index.js'
import { expectClose, type Figure, figureTensor, readFigures } from '../testing/figures.js'
import { minimizer, type Progress } from './minimizer.js'

/** The gradients an optimizer acts on: what plain descent with rate 1 takes from parameters whose gradients are given. */
async function passed(
  options: object,
  parameters: Readonly<Record<string, Tensor>>,
  gradients: Readonly<Record<string, Tensor>>,
  updates = 1,
): Promise<Record<string, Float32Array>> {
  const at = await minimizer(optimizers.sgd({ learningRate: 1, ...options }), parameters, p =>
    ops.sum(
      Object.entries(p).map(([path, value]) =>
        ops.reduceSum(ops.mul(value, value.graph.constant(gradients[path]!)), { keepdims: 0 }),
      ),
    ),
  )
  let before: Progress = at.begin
  let now = await at.next(before)
  for (let i = 1; i < updates; i++) [before, now] = [now, await at.next(now)]
  return Object.fromEntries(
    Object.keys(parameters).map(path => {
      const [from, to] = [before.parameters[path]!.data as Float32Array, now.parameters[path]!.data as Float32Array]
      return [path, from.map((w, i) => w - to[i]!)]
    }),
  )
}

// Made by figures/wrappers.py.
const { clips } = readFigures<{
  clips: { limit: number; layout: string; parameter: Figure; gradient: Figure; clipped: Figure }[]
}>(new URL('./figures/wrappers.json', import.meta.url))

describe('adaptive gradient clipping is that of timm', () => {
  test.each(clips.map(row => [row.layout, row.parameter.shape, row] as const))('%s %j', async (layout, _shape, row) => {
    const path = { dense: 'dense/kernel', convolution: 'conv2d/kernel', vector: 'dense/bias' }[layout] ?? 'e/embeddings'
    const out = await passed(
      { adaptiveClip: row.limit },
      { [path]: figureTensor(row.parameter) },
      { [path]: figureTensor(row.gradient) },
    )
    // Steps are read off weights around 1 in float32.
    expectClose(tensor(out[path]!, row.clipped.shape), row.clipped, { tolerance: 5e-7 })
    const before = row.gradient.data.filter((g, i) => Math.abs(g - row.clipped.data[i]!) > 1e-6)
    expect(before.length).toBeGreaterThan(0)
  })
})

describe('gradient centralization', () => {
  const sizes = fc.record({ inputs: fc.integer({ min: 1, max: 5 }), units: fc.integer({ min: 1, max: 5 }) })
  const drawn = (seed: number, shape: readonly number[]) =>
    tensor(
      Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(seed * 12.9 + i * 78.2) * 3),
      shape,
    )

  test('leaves each unit a gradient of mean 0, moves all of a unit alike, and vectors not at all', async () => {
    await fc.assert(
      fc.asyncProperty(sizes, fc.integer({ min: 0, max: 1000 }), async ({ inputs, units }, seed) => {
        const gradients = {
          'dense/kernel': drawn(seed, [inputs, units]),
          'conv/kernel': drawn(seed + 1, [units, inputs, 2]),
          'dense/bias': drawn(seed + 2, [units]),
        }
        const zeros = Object.fromEntries(
          Object.entries(gradients).map(([path, { shape, data }]) => [
            path,
            tensor(new Float32Array(data.length), shape),
          ]),
        )
        const out = await passed({ gradientCentralization: true }, zeros, gradients)
        expect(out['dense/bias']).toEqual(gradients['dense/bias'].data)
        const rowsOf = (path: 'dense/kernel' | 'conv/kernel', data: ArrayLike<number>, unit: number) =>
          path === 'dense/kernel'
            ? Array.from({ length: inputs }, (_, i) => data[i * units + unit]!)
            : Array.from({ length: inputs * 2 }, (_, i) => data[unit * inputs * 2 + i]!)
        for (const path of ['dense/kernel', 'conv/kernel'] as const)
          for (let unit = 0; unit < units; unit++) {
            const after = rowsOf(path, out[path]!, unit)
            const given = rowsOf(path, gradients[path].data as Float32Array, unit)
            const mean = given.reduce((a, b) => a + b, 0) / given.length
            after.forEach((g, i) => {
              expect(Math.abs(g - (given[i]! - mean))).toBeLessThan(2e-6)
            })
          }
      }),
      { numRuns: 12 },
    )
  })
})

describe('gradient noise', () => {
  const size = 20_000
  const zero = { w: tensor(new Float32Array(size), [size]), b: tensor(new Float32Array(size), [size]) }
  const moments = (data: Float32Array) => {
    const mean = data.reduce((a, b) => a + b, 0) / data.length
    return { mean, variance: data.reduce((a, b) => a + (b - mean) ** 2, 0) / data.length }
  }

  test('has variance eta / (1 + t)^gamma at update t', async () => {
    for (const [options, updates, wanted] of [
      [{ eta: 0.5, gamma: 1 }, 1, 0.5],
      [{ eta: 0.5, gamma: 1 }, 4, 0.125],
      [0.01, 3, 0.01 / 3 ** 0.55],
    ] as const) {
      const { mean, variance } = moments((await passed({ gradientNoise: options }, zero, zero, updates)).w!)
      // Four standard errors of each.
      expect(Math.abs(mean)).toBeLessThan(4 * Math.sqrt(wanted / size))
      expect(Math.abs(variance / wanted - 1)).toBeLessThan(4 * Math.sqrt(2 / size) + 1e-3)
    }
  })

  test('is the same for the same update, and differs between updates and parameters', async () => {
    const options = { gradientNoise: { eta: 1, gamma: 0 } }
    const first = await passed(options, zero, zero)
    expect(await passed(options, zero, zero)).toEqual(first)
    const correlation = (a: Float32Array, b: Float32Array) => a.reduce((sum, v, i) => sum + v * b[i]!, 0) / size
    expect(Math.abs(correlation(first.w!, first.b!))).toBeLessThan(4 / Math.sqrt(size))
    const second = await passed(options, zero, zero, 2)
    expect(Math.abs(correlation(first.w!, second.w!))).toBeLessThan(4 / Math.sqrt(size))
  })

  test('of variance 0 is none, and bad options are refused', async () => {
    expect((await passed({ gradientNoise: 0 }, zero, zero)).w).toEqual(new Float32Array(size))
    for (const gradientNoise of [-1, Number.NaN, { eta: -1 }, { sigma: 1 }, 'much'])
      expect(() => optimizers.sgd({ gradientNoise: gradientNoise as number })).toThrow(
        expect.objectContaining({ name: 'ConfigError' }),
      )
  })
})

describe('coupled decay', () => {
  test('adds decay · w to the gradient, but not of what is excluded', async () => {
    const ones = { 'd/kernel': tensor(Float32Array.of(2), [1, 1]), 'd/bias': tensor(Float32Array.of(2), [1]) }
    const options = { weightDecay: 0.25, weightDecayMode: 'coupled', excludeFromWeightDecay: 'bias' }
    expect(await passed(options, ones, ones)).toEqual({
      'd/kernel': Float32Array.of(2.5),
      'd/bias': Float32Array.of(2),
    })
  })
})
