import { fromTensors, mixup } from '../../data/index.js'
import { constraints, layers, losses, regularizers } from '../../nn/index.js'
import { adam, adamw, ema, sam } from '../../optim/index.js'
import { earlyStopping } from '../../train/index.js'
import type { Recipe } from './recipe.js'

const plain: Recipe = {
  name: 'plain',
  family: 'none',
  what: 'nothing',
  learningRate: 0.001,
  optimizer: learningRate => adam({ learningRate }),
}
const penalty = { ...plain, family: 'penalty' }
const noise = { ...plain, family: 'noise' }
const targets = { ...plain, family: 'targets' }
const training = { ...plain, family: 'training' }

/**
 * The same network with one regularizer each; an entry here is all a new one needs. Strengths are what does well on a
 * thousand digits, found on the validation digits and not on those of the test.
 */
export const regularizerRecipes: readonly Recipe[] = [
  plain,
  {
    ...penalty,
    name: 'L1',
    what: 'l1(0.0006) on kernels',
    compile: { kernelRegularizer: regularizers.l1(0.0006) },
  },
  { ...penalty, name: 'L2', what: 'l2(0.006) on kernels', compile: { kernelRegularizer: regularizers.l2(0.006) } },
  {
    ...penalty,
    name: 'L1L2',
    what: 'l1(0.0003) and l2(0.002) on kernels',
    compile: { kernelRegularizer: regularizers.l1l2({ l1: 0.0003, l2: 0.002 }) },
  },
  {
    ...penalty,
    name: 'weight decay',
    what: 'AdamW, decay 1',
    optimizer: learningRate => adamw({ learningRate, weightDecay: 1 }),
  },
  {
    ...penalty,
    name: 'max-norm',
    what: 'each unit’s weights at most 1.25 long',
    kernelConstraint: constraints.maxNorm({ maxValue: 1.25 }),
  },
  {
    ...noise,
    name: 'dropout',
    what: '0.2 of the pixels, 0.5 of the hidden units',
    onInput: place => [layers.dropout({ rate: 0.2, ...place })],
    onHidden: () => [layers.dropout({ rate: 0.5 })],
  },
  {
    ...noise,
    name: 'R-Drop',
    what: 'dropout as before, two passes held together with weight 1',
    onInput: place => [layers.dropout({ rate: 0.2, ...place })],
    onHidden: () => [layers.dropout({ rate: 0.5 })],
    compile: { rDrop: 1 },
  },
  {
    ...noise,
    name: 'Gaussian noise',
    what: 'of deviation 0.4 on the pixels',
    onInput: place => [layers.gaussianNoise({ stddev: 0.4, ...place })],
  },
  { ...noise, name: 'batch norm', what: 'after each hidden layer', onHidden: () => [layers.batchNormalization()] },
  {
    ...targets,
    name: 'label smoothing',
    what: '0.3 spread over all classes',
    compile: { loss: losses.categoricalCrossentropy({ labelSmoothing: 0.3 }) },
  },
  {
    ...targets,
    name: 'mixup',
    what: 'alpha 1',
    feed: ({ x, y }, { seed, batchSize }) =>
      fromTensors({ x, y })
        .shuffle({ seed })
        .batch(batchSize)
        .map(mixup({ alpha: 1, seed })),
  },
  {
    ...training,
    name: 'early stopping',
    what: 'patience 3 on validation loss, keeps the best weights',
    callbacks: () => [earlyStopping({ monitor: 'val_loss', patience: 3, restoreBestWeights: true })],
  },
  {
    ...training,
    name: 'SAM',
    what: 'radius 0.4',
    optimizer: learningRate => sam(adam({ learningRate }), { rho: 0.4 }),
  },
  {
    ...training,
    name: 'EMA',
    what: 'average of the weights, 0.99',
    optimizer: learningRate => ema(adam({ learningRate }), { momentum: 0.99 }),
  },
]
