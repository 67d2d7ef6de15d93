import { mnist } from '../data/index.js'
import { layers, regularizers } from '../nn/index.js'
import type { Regularizer } from '../nn/regularizers.js'
import { adam } from '../optim/index.js'
import type { Report, Table } from '../report/index.js'
import { type Callback, earlyStopping, type History, type Model, sequential } from '../train/index.js'

export interface QuickstartOptions {
  /** Default 0. */
  seed?: number
  /** Examples of the deliberately small training set; default 300. */
  small?: number
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
  readonly main: { readonly testAccuracy: number; readonly trainAccuracy: number; readonly seconds: number; readonly examples: number; readonly history: History }
  readonly small: number
  readonly variants: readonly Variant[]
  readonly model: Model
}

interface Recipe {
  readonly name: string
  readonly what: string
  readonly regularizer?: Regularizer
  readonly dropout?: number
  readonly stopEarly?: boolean
}

const recipes: readonly Recipe[] = [
  { name: 'plain', what: 'no regularization' },
  { name: 'L1', what: 'l1(0.0005) on every kernel', regularizer: regularizers.l1(0.0005) },
  { name: 'L2', what: 'l2(0.01) on every kernel', regularizer: regularizers.l2(0.01) },
  { name: 'dropout', what: 'dropout 0.5 of the hidden layer', dropout: 0.5 },
  { name: 'early stopping', what: 'stops when validation loss rises, keeps the best weights', stopEarly: true },
]

/** The classic 784-64-10 classifier. */
function classifier(seed: number, dropout = 0): Model {
  return sequential(
    [
      layers.dense({ units: 64, activation: 'relu', inputShape: [784] }),
      ...(dropout > 0 ? [layers.dropout({ rate: dropout })] : []),
      layers.dense({ units: 10, activation: 'softmax' }),
    ],
    { seed },
  )
}

const SMALL_EPOCHS = 80
const MAIN_EPOCHS = 15

/**
 * The first thing to run: a classifier with L2 on all digits, then the same network on a training set small enough to
 * overfit, with and without regularizers.
 */
export async function quickstart(options: QuickstartOptions = {}): Promise<QuickstartResult> {
  const { seed = 0, small = 300, signal, onProgress = () => {}, callbacks = [] } = options
  const abort = signal === undefined ? {} : { signal }
  const { train, test, source, description } = await mnist({ flatten: true, seed })
  onProgress(description)

  const model = classifier(seed)
  model.compile({ optimizer: adam(), loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'], kernelRegularizer: regularizers.l2(0.01) })
  onProgress(`Training 784-64-10 with l2(0.01) and Adam on ${train.length} digits`)
  const began = performance.now()
  const history = await model.fit(train, { epochs: MAIN_EPOCHS, batchSize: 128, validationData: test, verbose: 0, callbacks, ...abort })
  const seconds = (performance.now() - began) / 1000
  const main = {
    testAccuracy: history.history.val_accuracy?.at(-1) ?? 0,
    trainAccuracy: history.history.accuracy?.at(-1) ?? 0,
    seconds,
    examples: train.length ?? 0,
    history,
  }

  const few = train.take(small).cache()
  const variants: Variant[] = []
  for (const recipe of recipes) {
    if (signal?.aborted) break
    onProgress(`Training on only ${small} digits: ${recipe.name} (${recipe.what})`)
    variants.push(await trainVariant(recipe, few, test, seed, abort))
  }
  return { data: { source, description }, main, small, variants, model }
}

type Digits = Awaited<ReturnType<typeof mnist>>['train']

async function trainVariant(recipe: Recipe, few: Digits, test: Digits, seed: number, abort: { signal?: AbortSignal }): Promise<Variant> {
  const model = classifier(seed, recipe.dropout)
  model.compile({
    optimizer: adam(),
    loss: 'sparseCategoricalCrossentropy',
    metrics: ['accuracy'],
    ...(recipe.regularizer === undefined ? {} : { kernelRegularizer: recipe.regularizer }),
  })
  const callbacks = recipe.stopEarly ? [earlyStopping({ monitor: 'val_loss', patience: 5, restoreBestWeights: true })] : []
  const history = await model.fit(few, { epochs: SMALL_EPOCHS, batchSize: 32, validationData: test, verbose: 0, callbacks, ...abort })
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

const percent = (x: number): string => `${(100 * x).toFixed(1)} %`

/** Training and validation accuracy of every variant, and the gap between them. */
export function variantTable(result: QuickstartResult): Table {
  return {
    caption: `The same 784-64-10 network on ${result.small} training digits. Gap: training minus validation accuracy, in points.`,
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
      percent(v.trainAccuracy),
      percent(v.validationAccuracy),
      (100 * (v.trainAccuracy - v.validationAccuracy)).toFixed(1),
    ]),
  }
}

/** The result as a report. */
export function quickstartReport(result: QuickstartResult): Report {
  const curve = (history: History, key: string) => (history.history[key] ?? []).map((y, i) => [i + 1, y] as const)
  const both = (key: string) =>
    result.variants.flatMap((v, group) => [
      { name: v.name, points: curve(v.history, key), group },
      { name: `${v.name}, validation`, points: curve(v.history, `val_${key}`), group, dashed: true },
    ])
  const validation = (key: string) => result.variants.map((v, group) => ({ name: v.name, points: curve(v.history, `val_${key}`), group }))
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
        heading: `Only ${result.small} digits: the gap, and what closes it`,
        text: [
          'With so few examples the plain network soon knows every training digit by heart while its validation loss turns upward: it overfits. A regularizer trades a little of the training accuracy for weights that generalize; the gap between the two narrows.',
        ],
        table: variantTable(result),
        charts: [
          { title: 'Validation loss', xLabel: 'epoch', yLabel: 'loss (nats, penalty included)', series: validation('loss') },
          { title: 'Accuracy: training solid, validation dashed', xLabel: 'epoch', yLabel: 'share right', series: both('accuracy') },
        ],
      },
    ],
  }
}
