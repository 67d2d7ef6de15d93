import { describe, expect, test } from 'vitest'
import { counterRandom, encodeOnnx, type Tensor, tensor } from '../ir/index.js'
import * as constraints from '../nn/constraints.js'
import * as layers from '../nn/layers/index.js'
import * as losses from '../nn/losses.js'
import * as regularizers from '../nn/regularizers.js'
import * as optimizers from '../optim/index.js'
import { programCache } from '../runtime/index.js'
import type { CompileOptions } from './config.js'
import { type Model, sequential } from './index.js'
import { type BatchSignature, traceStep } from './step.js'

const random = counterRandom(3)
const x = tensor(
  Float32Array.from({ length: 24 * 4 }, (_, i) => 2 * random.uniform(i) - 1),
  [24, 4],
)
const y = tensor(
  Int32Array.from({ length: 24 }, (_, i) => i % 3),
  [24],
)

interface Parts {
  readonly hidden?: Partial<Parameters<typeof layers.dense>[0]>
  readonly between?: readonly ReturnType<typeof layers.dropout>[]
  readonly compile?: Partial<CompileOptions>
}

const make = ({ hidden, between = [], compile }: Parts): Model => {
  const model = sequential([
    layers.dense({ units: 6, activation: 'tanh', inputShape: [4], ...hidden }),
    ...between,
    layers.dense({ units: 3, activation: 'softmax' }),
  ])
  model.compile({ optimizer: optimizers.sgd(), loss: 'sparseCategoricalCrossentropy', ...compile })
  return model
}
const trained = async (model: Model): Promise<{ weights: Record<string, Tensor>; loss: number }> => {
  await model.fit(x, y, { batchSize: 8, epochs: 3, verbose: 0 })
  const { loss } = await model.evaluate(x, y, { batchSize: 8 })
  return { weights: await model.weights(), loss: loss! }
}

/** Two models that differ by numbers alone. */
const cases: Readonly<Record<string, readonly [Parts, Parts]>> = {
  'l1 and l2': pairOf([0.01, 0.02], s => ({
    hidden: { kernelRegularizer: regularizers.l1l2({ l1: s, l2: 3 * s }), biasRegularizer: regularizers.l2(s) },
  })),
  'activity penalties, and one for all kernels': pairOf([0.01, 0.02], s => ({
    hidden: { activityRegularizer: regularizers.l1(s) },
    compile: { kernelRegularizer: regularizers.l2(s) },
  })),
  orthogonality: pairOf([0.01, 0.5], factor => ({
    hidden: { kernelRegularizer: regularizers.orthogonal({ factor }) },
  })),
  'dropout, of two layers': pairOf([0.2, 0.5], rate => ({
    between: [layers.dropout({ rate }), layers.dropout({ rate: rate / 2 })],
  })),
  noise: pairOf([0.2, 0.5], s => ({
    between: [
      layers.gaussianNoise({ stddev: s }),
      layers.gaussianDropout({ rate: s }),
      layers.alphaDropout({ rate: s }),
    ],
  })),
  constraints: pairOf([0.5, 0.9], value => ({
    hidden: {
      kernelConstraint: constraints.maxNorm({ maxValue: value }),
      biasConstraint: constraints.minMaxNorm({ minValue: value / 10, maxValue: value, rate: value }),
    },
  })),
  'label smoothing and R-Drop': pairOf([0.1, 0.2], s => ({
    between: [layers.dropout({ rate: 0.3 })],
    compile: { loss: losses.sparseCategoricalCrossentropy({ labelSmoothing: s }), rDrop: s },
  })),
  'a decaying optimizer with momentum and clipped gradients': pairOf([0.5, 0.9], momentum => ({
    compile: { optimizer: optimizers.sgd({ momentum, weightDecay: momentum / 9, globalClipnorm: momentum }) },
  })),
  'coupled decay, and clipping by unit': pairOf([0.1, 0.02], s => ({
    compile: { optimizer: optimizers.adam({ weightDecay: s, weightDecayMode: 'coupled', adaptiveClip: s }) },
  })),
  'averages, accumulated gradients and clipping by element': pairOf([0.3, 0.5], s => ({
    compile: {
      optimizer: optimizers.sgd({ useEma: true, emaMomentum: s, clipvalue: s, gradientAccumulationSteps: 2 }),
    },
  })),
  wrappers: pairOf([0.1, 0.2], s => ({
    compile: {
      optimizer: optimizers.sam(
        optimizers.lookahead(optimizers.rmsprop({ rho: s, clipnorm: s }), { slowStepSize: s }),
        {
          rho: s,
        },
      ),
    },
  })),
  ...Object.fromEntries(
    (
      [
        ['adadelta', { rho: 0.8, epsilon: 1e-5 }],
        ['adafactor', { clipThreshold: 0.5 }],
        ['adagrad', { epsilon: 1e-5 }],
        ['adam', { beta1: 0.8, beta2: 0.99, epsilon: 1e-5 }],
        ['adamax', { beta1: 0.8, beta2: 0.99, epsilon: 1e-5 }],
        ['adamw', { weightDecay: 0.1 }],
        ['ftrl', { l1RegularizationStrength: 0.1, beta: 0.1 }],
        ['lamb', { beta1: 0.8, beta2: 0.99, epsilon: 1e-5 }],
        ['lars', { momentum: 0.8, epsilon: 1e-5, trustCoefficient: 0.01 }],
        ['lion', { beta1: 0.8, beta2: 0.98 }],
        ['muon', { momentum: 0.8, rmsRate: 0.3, adamBeta2: 0.99 }],
        ['nadam', { beta1: 0.8, beta2: 0.99, momentumDecay: 0.1 }],
        ['radam', { beta1: 0.8, beta2: 0.99 }],
        ['rmsprop', { rho: 0.8, epsilon: 1e-5 }],
        ['rprop', { etas: [0.4, 1.3] }],
        ['scheduleFreeAdamw', { beta1: 0.8, beta2: 0.99 }],
        ['shampoo', { beta1: 0.8, beta2: 0.99, epsilon: 1e-5, grafting: 'adam' }],
      ] as const
    ).map(([name, config]): [string, readonly [Parts, Parts]] => [
      `options of ${name}`,
      [name === 'ftrl' ? { l1RegularizationStrength: 0.2 } : {}, config].map(c => ({
        compile: { optimizer: optimizers.optimizerFromConfig({ name, config: { learningRate: 0.01, ...c } }) },
      })) as unknown as readonly [Parts, Parts],
    ]),
  ),
}
function pairOf([a, b]: readonly [number, number], parts: (value: number) => Parts): readonly [Parts, Parts] {
  return [parts(a), parts(b)]
}

const signatureOf = ({ network }: Model): BatchSignature => ({
  x: { [network.inputs[0]!.name]: { dtype: 'float32', shape: [8, 4] } },
  y: { [network.outputs[0]!.name]: { dtype: 'int32', shape: [8] } },
  weights: {},
})
/** The graphs of a model's steps as they are looked for in a cache, and the numbers they are fed. */
const graphsOf = (model: Model) =>
  [{ phase: model.optimizer.phase(1) }, 'evaluate' as const].map(kind => {
    const tunables = new Map<string, Tensor>()
    const { graph, outputs, updates } = traceStep(model.network, model.compiled, signatureOf(model), kind, tunables)
    const next = Object.fromEntries(Object.entries(updates).map(([name, value]) => [`next:${name}`, value]))
    return { bytes: encodeOnnx(graph, { outputs: { ...outputs, ...next } }), numbers: [...tunables.values()] }
  })

describe('shared programs do not differ by hyperparameters:', () => {
  test.each(Object.entries(cases))('%s', (_, [first, second]) => {
    const [a, b] = [graphsOf(make(first)), graphsOf(make(second))]
    for (const i of a.keys()) expect(Buffer.compare(a[i]!.bytes, b[i]!.bytes)).toBe(0)
    expect(a.map(g => g.numbers)).not.toEqual(b.map(g => g.numbers))
  })
})

describe('models that share programs compile once, and learn what each would have learned alone:', () => {
  const together = ['l1 and l2', 'dropout, of two layers', 'label smoothing and R-Drop', 'wrappers', 'options of adamw']
  test.each(together)('%s', async name => {
    const [first, second] = cases[name]!
    const cache = programCache()
    const shared = (parts: Parts): Model => {
      const model = make(parts)
      model.sharePrograms(cache)
      return model
    }
    const one = await trained(shared(first))
    const { compiled } = cache.counts
    const two = await trained(shared(second))
    expect(cache.counts.compiled).toBe(compiled)
    // To the last bit.
    expect(two).toEqual(await trained(make(second)))
    expect(two).not.toEqual(one)
  })
})

test('in a program of its own, and in a saved model, what is tunable is a constant', () => {
  const model = make(cases['l1 and l2']![0])
  const { graph } = traceStep(model.network, model.compiled, signatureOf(model), { phase: 'update' })
  expect(graph.inputs.map(input => input.name).filter(name => name.startsWith('tunable'))).toEqual([])
})
