import { NumericError, type Tensor } from '../../ir/index.js'
import type { Callback, Model } from '../../train/index.js'
import type { Digits, Examples } from './digits.js'
import { build, planOf, type Recipe } from './recipe.js'
import type { Curves, Run, Scores } from './record.js'

export interface TrainOptions {
  readonly epochs: number
  readonly batchSize: number
  readonly hidden: readonly number[]
  readonly signal: AbortSignal | undefined
  /** Told the weights now and then: often at first, then once an epoch. */
  readonly onWeights?: ((weights: Readonly<Record<string, Tensor>>) => void) | undefined
}

/** Updates after which weights are shown besides those at the ends of epochs: most of the way is made early. */
const EARLY = [2, 4, 8, 16, 24]

/** Trains a recipe once, measured after each epoch as the model predicts: dropout off, without penalty. */
export async function trainOnce(
  recipe: Recipe,
  learningRate: number,
  digits: Digits,
  seed: number,
  options: TrainOptions,
): Promise<{ run: Run; model: Model }> {
  const { hidden, signal, onWeights } = options
  const training = digits.training(seed)
  const plan = planOf(recipe, training, options, seed)
  const model = build(recipe, hidden, seed)
  model.compile({
    loss: 'categoricalCrossentropy',
    metrics: ['accuracy', 'categoricalCrossentropy'],
    ...recipe.compile,
    optimizer: recipe.optimizer(recipe.schedule?.(learningRate, plan) ?? learningRate),
  })

  const curves = { trainingLoss: [], trainingAccuracy: [], validationLoss: [], validationAccuracy: [] } as {
    [K in keyof Curves]: number[]
  }
  let measuring = 0
  const measure = async () => {
    const began = performance.now()
    const [a, b] = [await score(model, training), await score(model, digits.validation)]
    curves.trainingLoss.push(a.loss)
    curves.trainingAccuracy.push(a.accuracy)
    curves.validationLoss.push(b.loss)
    curves.validationAccuracy.push(b.accuracy)
    measuring += performance.now() - began
  }
  const show = async () => {
    const began = performance.now()
    onWeights?.(await model.weights())
    measuring += performance.now() - began
  }
  const watch: Callback = {
    onEpochEnd: async () => {
      await measure()
      if (onWeights !== undefined) await show()
    },
    ...(onWeights === undefined
      ? {}
      : {
          onBatchEnd: async () => {
            if (EARLY.includes(model.step)) await show()
          },
        }),
  }
  await measure()
  if (onWeights !== undefined) await show()
  measuring = 0
  const callbacks = recipe.callbacks?.() ?? []
  const began = performance.now()
  const reason: Run['reason'] = await model
    .fit(recipe.feed?.(training, plan) ?? { x: training.x, y: training.y }, {
      epochs: plan.epochs,
      batchSize: plan.batchSize,
      verbose: 0,
      callbacks: [watch, ...callbacks],
      ...(callbacks.length === 0 ? {} : { validationData: { x: digits.validation.x, y: digits.validation.y } }),
      ...(signal === undefined ? {} : { signal }),
    })
    .then(
      history => history.reason,
      (error: unknown) => {
        // A rate too high for an optimizer is a result, not a failure of the comparison.
        if (error instanceof NumericError) return 'diverged' as const
        throw error
      },
    )
  const seconds = (performance.now() - began - measuring) / 1000
  const run = { seed, curves, epochs: model.epoch, updates: model.step, seconds, reason }
  return { model, run: { ...run, final: await finalScores(model, training, digits) } }
}

async function finalScores(model: Model, training: Examples, digits: Digits): Promise<Scores> {
  const [a, b, c] = [
    await score(model, training),
    await score(model, digits.validation),
    await score(model, digits.test),
  ]
  return {
    trainingLoss: a.loss,
    trainingAccuracy: a.accuracy,
    validationLoss: b.loss,
    validationAccuracy: b.accuracy,
    testLoss: c.loss,
    testAccuracy: c.accuracy,
  }
}

/** Crossentropy and accuracy, whatever loss the model is trained with. */
async function score(model: Model, { x, y, count }: Examples): Promise<{ loss: number; accuracy: number }> {
  const logs = await model.evaluate(x, y, { batchSize: Math.min(count, 2000) })
  return { loss: logs.categoricalCrossentropy!, accuracy: logs.accuracy! }
}
