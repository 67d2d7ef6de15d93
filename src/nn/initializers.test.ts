import { describe, expect, test } from 'vitest'
import { initializers, layers, sequential } from '../index.js'
import { counterRandom } from '../ir/index.js'

const draw = (spec: initializers.Initializer, shape: number[], seed = 3) =>
  Array.from(initializers.initialize(spec, shape, counterRandom(seed), 'w').data as Float32Array)
const mean = (x: number[]) => x.reduce((a, b) => a + b, 0) / x.length
const deviation = (x: number[]) => {
  const middle = mean(x)
  return Math.sqrt(mean(x.map(v => (v - middle) ** 2)))
}

describe('initializers', () => {
  // Standard deviations by Keras's definitions; a uniform one's limit is √3 of them.
  const [inputs, outputs] = [200, 300]
  test.each<[initializers.Initializer, number, number]>([
    ['glorotUniform', Math.sqrt(2 / (inputs + outputs)), Math.sqrt(3)],
    ['glorotNormal', Math.sqrt(2 / (inputs + outputs)), 2 / 0.8796],
    ['heUniform', Math.sqrt(2 / inputs), Math.sqrt(3)],
    ['heNormal', Math.sqrt(2 / inputs), 2 / 0.8796],
    ['lecunUniform', Math.sqrt(1 / inputs), Math.sqrt(3)],
    ['lecunNormal', Math.sqrt(1 / inputs), 2 / 0.8796],
    [{ type: 'varianceScaling', scale: 4, mode: 'fanOut', distribution: 'normal' }, Math.sqrt(4 / outputs), 6.8],
    [{ type: 'randomUniform', minval: -2, maxval: 2 }, 2 / Math.sqrt(3), Math.sqrt(3)],
    [{ type: 'randomNormal', stddev: 0.3 }, 0.3, 6.8],
    // Keras cuts at two of the deviations asked for and does not widen the rest.
    [{ type: 'truncatedNormal', stddev: 0.3 }, 0.3 * 0.8796, 2 / 0.8796],
  ])('%j has its mean, deviation and bounds', (spec, wanted, bound) => {
    const x = draw(spec, [inputs, outputs])
    // 60000 draws: a mean is off by 0.0041 deviations, a deviation by at most 0.0029 of itself; five of these.
    expect(Math.abs(mean(x)) / wanted).toBeLessThan(0.021)
    expect(Math.abs(deviation(x) / wanted - 1)).toBeLessThan(0.015)
    expect(Math.max(...x.map(Math.abs)) / wanted).toBeLessThanOrEqual(bound * 1.0001)
  })

  test('constants, identity and orthogonal matrices are what they say', () => {
    expect(draw('zeros', [3])).toEqual([0, 0, 0])
    expect(draw('ones', [2])).toEqual([1, 1])
    expect(draw({ type: 'constant', value: 2.5 }, [2])).toEqual([2.5, 2.5])
    expect(draw({ type: 'identity', gain: 2 }, [2, 3])).toEqual([2, 0, 0, 0, 2, 0])
    expect(draw('identity', [3, 2])).toEqual([1, 0, 0, 1, 0, 0])
    for (const [rows, columns] of [
      [4, 6],
      [6, 4],
      [5, 5],
    ] as const) {
      const q = draw({ type: 'orthogonal', gain: 2 }, [rows, columns])
      const short = Math.min(rows, columns)
      const at = (v: number, i: number) => (rows <= columns ? q[v * columns + i]! : q[i * columns + v]!)
      for (let a = 0; a < short; a++)
        for (let b = 0; b < short; b++) {
          const dot = Array.from({ length: Math.max(rows, columns) }, (_, i) => at(a, i) * at(b, i)).reduce(
            (s, v) => s + v,
            0,
          )
          expect(dot).toBeCloseTo(a === b ? 4 : 0, 5)
        }
    }
  })

  test("a convolution's kernel scales by what its window sees; a depthwise one as in Keras", async () => {
    const kernelOf = async (layer: Parameters<typeof sequential>[0]) =>
      Object.values(await sequential(layer).weights())[0]!
    const limit = (t: { data: ArrayLike<unknown> }) => Math.max(...Array.from(t.data as Float32Array, Math.abs))
    const plain = await kernelOf([layers.conv2d({ filters: 40, kernelSize: 3, inputShape: [20, 8, 8] })])
    expect(limit(plain)).toBeCloseTo(Math.sqrt(6 / (9 * 20 + 9 * 40)), 3)
    const deep = await kernelOf([layers.depthwiseConv2d({ kernelSize: 3, depthMultiplier: 2, inputShape: [60, 8, 8] })])
    expect(limit(deep)).toBeCloseTo(Math.sqrt(6 / (9 * 60 + 9 * 2)), 3)
  })

  test('the same seed gives the same weights, another seed and another layer other ones', async () => {
    const weights = async (seed: number) => {
      const model = sequential([layers.dense({ units: 4, inputShape: [4] }), layers.dense({ units: 4 })], { seed })
      return model.weights()
    }
    const [a, again, b] = [await weights(1), await weights(1), await weights(2)]
    expect(again).toEqual(a)
    expect(b['dense/kernel']).not.toEqual(a['dense/kernel'])
    expect(a['dense_1/kernel']!.data).not.toEqual(a['dense/kernel']!.data)
  })

  test('a function fills a weight; the wrong number of numbers is refused', async () => {
    const model = (fill: () => Float32Array) =>
      sequential([layers.dense({ units: 2, inputShape: [1], kernelInitializer: fill })])
    expect((await model(() => Float32Array.of(3, 4)).weights())['dense/kernel']!.data).toEqual(Float32Array.of(3, 4))
    expect(() => model(() => Float32Array.of(3))).toThrow(expect.objectContaining({ code: 'initializer-size' }))
  })
})
