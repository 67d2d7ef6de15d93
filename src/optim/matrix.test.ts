import { describe, expect, test } from 'vitest'
import { optimizers } from '../index.js'
import { type Tensor, tensor } from '../ir/index.js'
import * as ops from '../ops/index.js'
import { evaluate, expectClose, readFigures } from '../testing/figures.js'
import { mixedObjective } from '../testing/objective.js'
import { testOptimizer } from '../testing/optimizer.js'
import type { MuonOptions, Optimizer } from './index.js'
import { orthogonalize } from './links/orthogonal.js'
import { minimizer, type Progress } from './minimizer.js'

const { start, objective } = mixedObjective(new URL('./figures/matrix.json', import.meta.url))

// Made by figures/matrix.py.
interface Row {
  by: string
  name: 'lamb' | 'lars' | 'adafactor' | 'muon'
  options: Record<string, unknown>
  steps: Record<string, number[][]>
}
const { cases } = readFigures<{ cases: Row[] }>(new URL('./figures/matrix.json', import.meta.url))

describe('optimizers walk as in their references, 100 steps', () => {
  test.each(cases.map(row => [row.name, row.by, row.options, row] as const))(
    '%s as in %s, %j',
    async (name, _by, options, { steps }) => {
      const at = await minimizer(optimizers[name](options), start, objective)
      let now: Progress = at.begin
      for (let step = 1; step <= 100; step++) {
        now = await at.next(now)
        steps[step]?.forEach((data, i) => {
          const path = Object.keys(start)[i]!
          expectClose(now.parameters[path]!, { shape: start[path]!.shape, data }, { what: `step ${step}, ${path}` })
        })
      }
    },
  )
})

/** Parameters after updates with gradients that are given, one set for each update. */
async function walk(
  optimizer: Optimizer,
  from: readonly number[] | readonly (readonly number[])[],
  gradients: readonly (typeof from)[],
  path = 'x',
): Promise<number[][]> {
  const at = { [path]: asTensor(from) }
  const seen: number[][] = []
  const slopes = gradients.map(asTensor)
  let now: Progress | undefined
  for (let i = 0; i < slopes.length; i++) {
    const run = await minimizer(optimizer, at, p =>
      ops.reduceSum(ops.mul(p[path]!, p[path]!.graph.constant(slopes[i]!)), { keepdims: 0 }),
    )
    now = await run.next(now ?? run.begin)
    seen.push([...(now.parameters[path]!.data as Float32Array)])
  }
  return seen
}

const asTensor = (x: readonly number[] | readonly (readonly number[])[]): Tensor =>
  tensor(
    Float32Array.from(x.flat() as number[]),
    Array.isArray(x[0]) ? [x.length, (x[0] as readonly number[]).length] : [x.length],
  )

/** Tolerances are those of Keras's tests. */
const near = (received: readonly number[], wanted: readonly number[], tolerance: number) =>
  wanted.forEach((w, i) => {
    expect(Math.abs(received[i]! - w), `${received}, wanted ${wanted}`).toBeLessThan(tolerance)
  })
const ones = Array.from({ length: 10 }, () => 1)
const rising = ones.map((_, i) => (i + 1) / 10)
const flat = ones.map(() => 0.01)

describe("figures of Keras's own tests", () => {
  test('lamb', async () => {
    near(
      (await walk(optimizers.lamb({ learningRate: 0.5 }), [1, 2, 3, 4], [[1, 6, 7, 2]]))[0]!,
      [-0.3693, 0.6306, 1.6306, 2.6306],
      1e-3,
    )
    const rows = await walk(optimizers.lamb(), ones, [flat, rising, rising, rising, rising])
    for (const [i, wanted] of [0.999, 0.9982, 0.9974, 0.9965, 0.9955].entries())
      near(
        rows[i]!,
        ones.map(() => wanted),
        1e-3,
      )
  })

  test('adafactor', async () => {
    const rate = { learningRate: 0.5 }
    near(
      (await walk(optimizers.adafactor(rate), [1, 2, 3, 4], [[1, 6, 7, 2]]))[0]!,
      [-0.3693, 0.6307, 1.6307, 2.6307],
      2e-4,
    )
    const square = [
      [1, 2],
      [3, 4],
    ]
    near(
      (
        await walk(optimizers.adafactor(rate), square, [
          [
            [1, 6],
            [7, 2],
          ],
        ])
      )[0]!,
      [0.7007, -0.0081, 1.2492, 3.4407],
      2e-4,
    )
    const options = { beta2Decay: -0.65, epsilon1: 1e-15, epsilon2: 1e-4, clipThreshold: 0.9, relativeStep: false }
    const rows = await walk(optimizers.adafactor({ ...rate, ...options }), ones, [flat, rising, rising, rising, rising])
    const golden = [
      ones.map(() => 0.55),
      [0.3031, 0.3026, 0.3025, 0.3024, 0.3024, 0.3024, 0.3024, 0.3024, 0.3024, 0.3024],
      [0.1671, 0.1665, 0.1663, 0.1663, 0.1663, 0.1663, 0.1663, 0.1663, 0.1663, 0.1663],
      [0.0923, 0.0916, 0.0915, 0.0914, 0.0914, 0.0914, 0.0914, 0.0914, 0.0914, 0.0914],
      [0.0554, 0.0548, 0.0546, 0.0546, 0.0546, 0.0546, 0.0546, 0.0545, 0.0545, 0.0545],
    ]
    golden.forEach((wanted, i) => {
      near(rows[i]!, wanted, 1e-3)
    })
  })

  test('muon', async () => {
    const still = { learningRate: 0.5, weightDecay: 0, adamWeightDecay: 0 }
    near((await walk(optimizers.muon(still), [1, 2, 3, 4], [[1, 6, 7, 2]]))[0]!, [0.5, 1.5, 2.5, 3.5], 2e-4)
    const square = [
      [1, 2],
      [3, 4],
    ]
    near(
      (
        await walk(optimizers.muon(still), square, [
          [
            [1, 6],
            [7, 2],
          ],
        ])
      )[0]!,
      [0.988775, 1.887053, 2.873428, 3.97035],
      2e-2,
    )
    near(
      [
        ...((
          await evaluate({}, (_, graph) => ({
            out: orthogonalize(
              graph.constant(
                asTensor([
                  [0.2499, 0.9105],
                  [0.2655, 0.8824],
                ]),
              ),
              {
                steps: 5,
                coefficients: [3.4445, -4.775, 2.0315],
              },
            ),
          }))
        ).out!.data as Float32Array),
      ],
      [-0.4422, 0.6457, 0.7285, 0.2968],
      1e-3,
    )
  })
})

describe('which parameters', () => {
  test('muon leaves embeddings and excluded layers to Adam, and takes convolutions where asked', () => {
    const shapes = {
      'dense/kernel': [3, 4],
      'dense/bias': [4],
      'token_embedding/embeddings': [5, 3],
      'conv/kernel': [2, 3, 2, 2],
    }
    const infos = Object.entries(shapes).map(([path, shape]) => ({ path, shape }))
    const matrices = (options: MuonOptions) =>
      optimizers
        .muon(options)
        .slots(infos)
        .filter(slot => slot.name.startsWith('muon/momentum/'))
        .map(slot => slot.parameter)
    expect(matrices({})).toEqual(['dense/kernel'])
    expect(matrices({ excludeEmbeddings: false })).toEqual(['dense/kernel', 'token_embedding/embeddings'])
    expect(matrices({ convolutions: true, excludeLayers: 'dense' })).toEqual(['conv/kernel'])
    expect(() => matrices({ excludeLayers: 'head' })).toThrow(expect.objectContaining({ code: 'no-match' }))
  })

  test('adafactor keeps rows and columns of matrices, and vectors whole', () => {
    const slots = optimizers.adafactor().slots([
      { path: 'kernel', shape: [2, 3, 4] },
      { path: 'bias', shape: [4] },
    ])
    expect(slots.map(({ name, shape }) => [name, shape])).toEqual([
      ['adafactor/r/kernel', [2, 3]],
      ['adafactor/c/kernel', [2, 4]],
      ['adafactor/v/bias', [4]],
    ])
  })

  test('a selector that matches nothing is refused', () => {
    const slots = (optimizer: Optimizer) => optimizer.slots([{ path: 'dense/kernel', shape: [2, 2] }])
    for (const optimizer of [
      optimizers.lamb({ excludeFromLayerAdaptation: 'bias' }),
      optimizers.lars({ excludeFromLayerAdaptation: ['gamma', 'beta'] }),
    ])
      expect(() => slots(optimizer)).toThrow(expect.objectContaining({ code: 'no-match' }))
  })
})

test('a convolution kernel is made orthogonal as the matrix of its units', async () => {
  const kernel = start['conv/kernel']!
  const rows = [...(kernel.data as Float32Array)]
  const options = { learningRate: 0.1, convolutions: true, rateAdjustment: 'original', weightDecay: 0 } as const
  const [given] = await walk(
    optimizers.muon(options),
    ones.slice(0, 2).map(() => ones.slice(0, 6)),
    [[rows.slice(0, 6), rows.slice(6)]],
  )
  const at = await minimizer(
    optimizers.muon(options),
    {
      c: tensor(
        Float32Array.from({ length: 12 }, () => 1),
        [2, 3, 2, 1],
      ),
    },
    p => ops.reduceSum(ops.mul(p.c!, p.c!.graph.constant(kernel)), { keepdims: 0 }),
  )
  const moved = [...((await at.next(at.begin)).parameters.c!.data as Float32Array)]
  // A dense kernel is [inputs, units], so that the same matrix has its step scaled by √(6/2).
  near(
    moved.map(x => 1 - x),
    given!.map(x => (1 - x) / Math.sqrt(3)),
    1e-6,
  )
})

testOptimizer(() => optimizers.lamb({ learningRate: 0.05 }))
testOptimizer(() => optimizers.lamb({ learningRate: 0.05, weightDecay: 0.1, decayInUpdate: true, trustClip: true }))
testOptimizer(() => optimizers.lars({ learningRate: 0.05, trustCoefficient: 1, momentum: 0 }))
testOptimizer(() => optimizers.lars({ learningRate: 0.01, trustCoefficient: 1, nesterov: true, adaptVectors: true }))
testOptimizer(() => optimizers.adafactor({ learningRate: 0.05 }))
testOptimizer(() =>
  optimizers.adafactor({ learningRate: 0.05, epsilonMode: 'clamp', epsilon1: 1e-7, scaleParameter: false }),
)
testOptimizer(() => optimizers.muon({ learningRate: 0.05 }))

describe('optimizers refuse', () => {
  test.each<[Row['name'], Record<string, unknown>]>([
    ['lamb', { beta1: 1 }],
    ['lamb', { excludeFromLayerAdaptation: 3 }],
    ['lars', { trustCoefficient: 0 }],
    ['lars', { weightDecayMode: 'decoupled' }],
    ['lars', { momentum: 1.5 }],
    ['adafactor', { beta2Decay: 0.8 }],
    ['adafactor', { clipThreshold: 0 }],
    ['adafactor', { epsilonMode: 'hat' }],
    ['muon', { nsSteps: 0 }],
    ['muon', { rmsRate: -1 }],
    ['muon', { rateAdjustment: 'none' }],
    ['muon', { adamBeta1: 1 }],
  ])('%s with %j', (name, options) => {
    expect(() => optimizers[name](options)).toThrow(expect.objectContaining({ name: 'ConfigError' }))
  })
})
