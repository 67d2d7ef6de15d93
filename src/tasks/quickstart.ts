import { mnist } from '../data/index.js'
import { counterRandom, type Tensor } from '../ir/index.js'
import { layers, regularizers } from '../nn/index.js'
import type { Regularizer } from '../nn/regularizers.js'
import { adam } from '../optim/index.js'
import type { Report, Table } from '../report/index.js'
import { type Callback, earlyStopping, type History, type Model, sequential } from '../train/index.js'

export interface QuickstartOptions {
  /** Default 0. */
  seed?: number
  /** Examples of the deliberately small training set; default 500. */
  small?: number
  /** Share of the small set's labels made wrong on purpose, as in data labelled in haste; default 0.2. */
  wrong?: number
  signal?: AbortSignal
  /** Told what happens as it happens. */
  onProgress?: (message: string) => void
  /** Callbacks for the main training run (a progress bar, say). */
  callbacks?: readonly Callback[]
}

/** One network trained on the small set. */
export interface Variant {
  readonly name: string
  readonly what: string
  readonly epochs: number
  readonly trainAccuracy: number
  readonly validationAccuracy: number
  readonly history: History
}

export interface QuickstartResult {
  readonly data: { readonly source: string; readonly description: string }
  readonly main: {
    readonly testAccuracy: number
    readonly trainAccuracy: number
    readonly seconds: number
    readonly examples: number
    readonly history: History
  }
  readonly small: number
  readonly wrong: number
  readonly variants: readonly Variant[]
  readonly model: Model
}

interface Recipe {
  readonly name: string
  readonly what: string
  readonly regularizer?: Regularizer
  /** Rates for pixels and hidden units. */
  readonly dropout?: readonly [number, number]
  readonly stopEarly?: boolean
}

const recipes: readonly Recipe[] = [
  { name: 'plain', what: 'no regularization' },
  { name: 'L1', what: 'l1(0.001) on every kernel', regularizer: regularizers.l1(0.001) },
  { name: 'L2', what: 'l2(0.01) on every kernel', regularizer: regularizers.l2(0.01) },
  { name: 'dropout', what: '0.3 of the pixels, 0.6 of the hidden units', dropout: [0.3, 0.6] },
  { name: 'early stopping', what: 'stops when validation loss rises, keeps the best weights', stopEarly: true },
]

/** The classic 784-64-10 classifier. */
function classifier(seed: number, dropout?: readonly [number, number]): Model {
  return sequential(
    [
      ...(dropout === undefined ? [] : [layers.dropout({ rate: dropout[0], inputShape: [784] })]),
      layers.dense({ units: 64, activation: 'relu', inputShape: [784] }),
      ...(dropout === undefined ? [] : [layers.dropout({ rate: dropout[1] })]),
      layers.dense({ units: 10, activation: 'softmax' }),
    ],
    { seed },
  )
}

const SMALL_EPOCHS = 60
const MAIN_EPOCHS = 15

/**
 * The first thing to run: a classifier with L2 on all digits, then the same network on a training set small enough to
 * overfit, with and without regularizers.
 */
export async function quickstart(options: QuickstartOptions = {}): Promise<QuickstartResult> {
  const { seed = 0, small = 500, wrong = 0.2, signal, onProgress = () => {}, callbacks = [] } = options
  const abort = signal === undefined ? {} : { signal }
  const { train, test, source, description } = await mnist({ flatten: true, seed })
  onProgress(description)

  const model = classifier(seed)
  model.compile({
    optimizer: adam(),
    loss: 'sparseCategoricalCrossentropy',
    metrics: ['accuracy'],
    kernelRegularizer: regularizers.l2(0.01),
  })
  onProgress(`Training 784-64-10 with l2(0.01) and Adam on ${train.length} digits`)
  const began = performance.now()
  const history = await model.fit(train, {
    epochs: MAIN_EPOCHS,
    batchSize: 128,
    validationData: test,
    verbose: 0,
    callbacks,
    ...abort,
  })
  const seconds = (performance.now() - began) / 1000
  const main = {
    testAccuracy: history.history.val_accuracy?.at(-1) ?? 0,
    trainAccuracy: history.history.accuracy?.at(-1) ?? 0,
    seconds,
    examples: train.length ?? 0,
    history,
  }

  const few = mislabel(train.take(small), wrong, seed)
  const variants: Variant[] = []
  for (const recipe of recipes) {
    if (signal?.aborted) break
    onProgress(
      `Training on only ${small} digits, ${Math.round(100 * wrong)} % of them mislabelled: ${recipe.name} (${recipe.what})`,
    )
    variants.push(await trainVariant(recipe, few, test, seed, abort))
  }
  return { data: { source, description }, main, small, wrong, variants, model }
}

/** Gives a share of the examples another label than their own. */
function mislabel(digits: Digits, share: number, seed: number): Digits {
  const random = counterRandom(seed, 'mislabel')
  return digits
    .map((example, { index: i }) => {
      const y = example.y as Tensor // mnist() gives one label per digit
      if (random.uniform(2 * i) >= share) return example
      const label = (Number(y.data[0]) + 1 + Math.floor(9 * random.uniform(2 * i + 1))) % 10
      return { ...example, y: { dtype: 'int32' as const, shape: [], data: Int32Array.of(label) } }
    })
    .cache()
}

type Digits = Awaited<ReturnType<typeof mnist>>['train']

async function trainVariant(
  recipe: Recipe,
  few: Digits,
  test: Digits,
  seed: number,
  abort: { signal?: AbortSignal },
): Promise<Variant> {
  const model = classifier(seed, recipe.dropout)
  model.compile({
    optimizer: adam(),
    loss: 'sparseCategoricalCrossentropy',
    metrics: ['accuracy'],
    ...(recipe.regularizer === undefined ? {} : { kernelRegularizer: recipe.regularizer }),
  })
  const callbacks = recipe.stopEarly
    ? [earlyStopping({ monitor: 'val_loss', patience: 3, restoreBestWeights: true })]
    : []
  const history = await model.fit(few, {
    epochs: SMALL_EPOCHS,
    batchSize: 32,
    validationData: test,
    verbose: 0,
    callbacks,
    ...abort,
  })
  // Measured as the model predicts: dropout off, weights as they are kept.
  const onTrain = await model.evaluate(few, { batchSize: 256 })
  const onTest = await model.evaluate(test, { batchSize: 256 })
  return {
    name: recipe.name,
    what: recipe.what,
    epochs: history.epoch.length,
    trainAccuracy: onTrain.accuracy!,
    validationAccuracy: onTest.accuracy!,
    history,
  }
}

const percent = (x: number): string => `${(100 * x).toFixed(1).replace(/\.0$/, '')} %`

/** Training and validation accuracy of every variant, and the gap between them. */
export function variantTable(result: QuickstartResult): Table {
  return {
    caption: `The same 784-64-10 network on ${result.small} training digits, ${percent(result.wrong)} of them mislabelled: about ${percent(1 - result.wrong)} of the training labels can be learned, the rest only by heart. Gap: training minus validation accuracy, in points.`,
    columns: [
      { title: 'Regularizer' },
      { title: 'Epochs', align: 'right' },
      { title: 'Training', align: 'right' },
      { title: 'Validation', align: 'right' },
      { title: 'Gap', align: 'right' },
    ],
    rows: result.variants.map(v => [
      v.name,
      String(v.epochs),
      `${(100 * v.trainAccuracy).toFixed(1)} %`,
      `${(100 * v.validationAccuracy).toFixed(1)} %`,
      (100 * (v.trainAccuracy - v.validationAccuracy)).toFixed(1),
    ]),
  }
}

/** The result as a report. */
export function quickstartReport(result: QuickstartResult): Report {
  const curve = (history: History, key: string) => (history.history[key] ?? []).map((y, i) => [i + 1, y] as const)
  const lines = (key: string) =>
    result.variants.map((v, group) => ({ name: v.name, points: curve(v.history, key), group }))
  return {
    title: 'Digits: seeing regularization work',
    lead: result.data.description,
    sections: [
      {
        heading: `All ${result.main.examples.toLocaleString('en-US')} digits, L2`,
        text: [
          `A 784-64-10 network with l2(0.01) on every kernel, trained by Adam for ${result.main.history.epoch.length} epochs in ${result.main.seconds.toFixed(1)} s: ${percent(result.main.testAccuracy)} of the test digits are right, ${percent(result.main.trainAccuracy)} of the training digits. The loss includes the penalty.`,
        ],
        charts: [
          {
            title: 'Loss, penalty included',
            xLabel: 'epoch',
            yLabel: 'loss (nats)',
            series: [
              { name: 'training', points: curve(result.main.history, 'loss'), group: 0 },
              { name: 'validation', points: curve(result.main.history, 'val_loss'), group: 0, dashed: true },
            ],
          },
          {
            title: 'Accuracy',
            xLabel: 'epoch',
            yLabel: 'share right',
            series: [
              { name: 'training', points: curve(result.main.history, 'accuracy'), group: 0 },
              { name: 'validation', points: curve(result.main.history, 'val_accuracy'), group: 0, dashed: true },
            ],
          },
        ],
      },
      {
        heading: `Only ${result.small} digits, ${percent(result.wrong)} of them mislabelled: the gap, and what closes it`,
        text: [
          'With so few examples the plain network soon knows every training digit by heart, the wrong labels too, while its validation loss turns upward: it overfits. A regularized network cannot afford to remember the exceptions: its training accuracy stops near the share of labels that are right, its validation accuracy is higher, and the gap between the two closes.',
        ],
        table: variantTable(result),
        charts: [
          {
            title: 'Training accuracy (with dropout at work)',
            xLabel: 'epoch',
            yLabel: 'share right',
            yRange: [0.4, 1],
            series: lines('accuracy'),
          },
          {
            title: 'Validation accuracy',
            xLabel: 'epoch',
            yLabel: 'share right',
            yRange: [0.4, 1],
            series: lines('val_accuracy'),
          },
          {
            title: 'Validation loss',
            xLabel: 'epoch',
            yLabel: 'loss (nats, penalty included)',
            series: lines('val_loss'),
          },
        ],
      },
    ],
  }
}
