import { describe, expect, test } from 'vitest'
import { tensor } from '../../ir/index.js'
import * as ops from '../../ops/index.js'
import { testOptimizer } from '../../testing/optimizer.js'
import { optimizerFromConfig } from '../from-config.js'
import { minimizer } from '../minimizer.js'
import * as optimizers from './index.js'

testOptimizer(() => optimizers.sgd({ learningRate: 0.02, momentum: 0.8, momentumMode: 'torch', dampening: 0.2 }))
testOptimizer(() => optimizers.rmsprop({ learningRate: 0.02, epsilonMode: 'outside', centered: true, epsilon: 1e-3 }))
testOptimizer(() => optimizers.adagrad({ learningRate: 0.1 }))
testOptimizer(() => optimizers.adagrad({ learningRate: 0.1, epsilonMode: 'outside', learningRateDecay: 0.01 }))
testOptimizer(() => optimizers.adadelta({ learningRate: 1, epsilon: 1e-3 }))
testOptimizer(() => optimizers.adamax({ learningRate: 0.05 }))
testOptimizer(() => optimizers.adamax({ learningRate: 0.05, epsilonMode: 'inside', weightDecay: 0.1 }))
testOptimizer(() => optimizers.nadam({ learningRate: 0.05 }))
testOptimizer(() => optimizers.nadam({ learningRate: 0.05, momentumDecay: 0.004, clipnorm: 1 }))
testOptimizer(() => optimizers.radam({ learningRate: 0.05, beta2: 0.99 }))
testOptimizer(() => optimizers.lion({ learningRate: 0.03 }))
testOptimizer(() => optimizers.rprop({ learningRate: 0.01 }))
testOptimizer(() => optimizers.rprop({ learningRate: 0.1, etas: [0.6, 1.1], stepSizes: [1e-3, 0.3] }))
testOptimizer(() => optimizers.ftrl({ learningRate: 0.1 }))
testOptimizer(() =>
  optimizers.ftrl({ learningRate: 0.1, learningRatePower: -0.7, l1RegularizationStrength: 0.01, beta: 1 }),
)
testOptimizer(() => optimizers.scheduleFreeAdamw({ learningRate: 0.05 }))
testOptimizer(() =>
  optimizers.scheduleFreeAdamw({
    learningRate: 0.05,
    warmupSteps: 5,
    weightLrPower: 2,
    weightDecay: 0.1,
    decayInUpdate: true,
  }),
)
testOptimizer(() => optimizers.asgd({ learningRate: 0.05, t0: 5 }))

/** One parameter of two weights on a slope that stays the same. */
const sliding = (optimizer: ReturnType<typeof optimizers.sgd>, slopes: readonly number[]) =>
  minimizer(optimizer, { w: tensor(Float32Array.of(1, -1), [2]) }, ({ w }) =>
    ops.reduceSum(ops.mul(w!, w!.graph.constant(tensor(Float32Array.from(slopes), [2]))), { keepdims: 0 }),
  )
const weights = (progress: { parameters: Readonly<Record<string, { data: unknown }>> }) =>
  Array.from(progress.parameters.w!.data as Float32Array)

describe('ftrl', () => {
  test('leaves a weight that never had a gradient finite, from an accumulator of 0', async () => {
    const at = await sliding(optimizers.ftrl({ initialAccumulatorValue: 0 }), [1, 0])
    expect(weights(await at.next(at.begin)).every(Number.isFinite)).toBe(true)
  })

  test('makes weights exactly 0 whose gradients do not outweigh l1', async () => {
    const at = await sliding(optimizers.ftrl({ learningRate: 0.1, l1RegularizationStrength: 100 }), [1, -1])
    expect(weights(await at.next(at.begin)).map(Math.abs)).toEqual([0, 0])
  })
})

describe('rprop', () => {
  test('does not look at the size of gradients, however small', async () => {
    const large = await sliding(optimizers.rprop(), [3, -5])
    const small = await sliding(optimizers.rprop(), [1e-30, -2e-30])
    const [a, b] = [await large.next(await large.next(large.begin)), await small.next(await small.next(small.begin))]
    expect(weights(a)).toEqual(weights(b))
    expect(weights(a)[0]).toBeCloseTo(1 - 0.01 - 0.012, 6)
  })
})

describe('nadam', () => {
  test.each([
    [0.9, 1],
    [0.9999, 1],
    [0.9999, 0.004],
    [0, 1],
  ])('takes finite steps at any time, beta1 %d, momentumDecay %d', async (beta1, momentumDecay) => {
    const at = await sliding(optimizers.nadam({ beta1, momentumDecay }), [1, 1])
    for (const step of [0, 10, 1000, 10_000_000]) {
      const next = await at.next({ ...at.begin, step })
      expect(weights(next).every(Number.isFinite)).toBe(true)
    }
  })
})

describe('optimizers take back what they say of themselves', () => {
  test.each(Object.entries(optimizers))('%s', (_name, make) => {
    const optimizer = make()
    const { name, config } = optimizer
    expect(optimizerFromConfig({ name, config: JSON.parse(JSON.stringify(config)) }).config).toEqual(config)
  })
})

describe('optimizers refuse', () => {
  test.each<[string, Record<string, unknown>]>([
    ['sgd', { dampening: 0.1, momentum: 0.9 }],
    ['sgd', { dampening: 0.1, momentum: 0.9, momentumMode: 'torch', nesterov: true }],
    ['sgd', { momentumMode: 'pytorch' }],
    ['rmsprop', { epsilonMode: 'hat' }],
    ['adagrad', { initialAccumulatorValue: -0.1 }],
    ['adagrad', { learningRateDecay: -1 }],
    ['adadelta', { rho: 1 }],
    ['adamax', { beta2: 1 }],
    ['nadam', { momentumDecay: -1 }],
    ['radam', { beta1: -0.1 }],
    ['ftrl', { learningRatePower: 0.1 }],
    ['ftrl', { initialAccumulatorValue: -0.1 }],
    ['ftrl', { l1RegularizationStrength: -0.1 }],
    ['ftrl', { l2RegularizationStrength: -0.1 }],
    ['ftrl', { l2ShrinkageRegularizationStrength: -0.1 }],
    ['lion', { beta1: 0 }],
    ['rprop', { etas: [0.5] }],
    ['rprop', { etas: [1.2, 0.5] }],
    ['rprop', { stepSizes: [0, 1] }],
    ['rprop', { stepSizes: [2, 1] }],
    ['scheduleFreeAdamw', { beta1: 0 }],
    ['scheduleFreeAdamw', { warmupSteps: 1.5 }],
    ['scheduleFreeAdamw', { decayInUpdate: 'yes' }],
    ['asgd', { t0: -1 }],
  ])('%s with %j', (name, config) => {
    expect(() => optimizerFromConfig({ name, config })).toThrow(expect.objectContaining({ name: 'ConfigError' }))
  })
})
