import { type Fold, type FoldOptions, kFold, stratifiedKFold } from '../data/folds.js'
import { ConfigError, type Tensor } from '../ir/index.js'
import { arraySource, gatherRows } from '../train/batches.js'
import type { Model, TrainingSource } from '../train/index.js'
import { isStream } from '../train/sources.js'

export interface CrossValidation extends FoldOptions {
  /** Whether classes keep their shares in each fold. Default: where the first loss is a crossentropy. */
  stratified?: boolean
}

/** Training and validation data of each fold. */
export interface Splits {
  readonly count: number
  of(model: Model, fold: number): { readonly train: TrainingSource; readonly validation: TrainingSource }
}

/**
 * Parts data for a cross-validation, the same way for every model.
 * @throws ConfigError for data that are a stream; as kFold and stratifiedKFold
 */
export function crossValidation(data: TrainingSource, options: CrossValidation): Splits {
  if (isStream(data))
    throw new ConfigError({
      code: 'folds-of-stream',
      where: 'tuneModel.folds',
      expected: 'data in memory',
      received: 'a stream',
      hint: 'give { x, y }',
    })
  const { x, y, sampleWeight } = data
  const { stratified, folds: count = 5, ...rest } = options
  let folds: readonly Fold[] | null = null
  return {
    count,
    of: (model, fold) => {
      const all = arraySource(model.network, x, y ?? null, sampleWeight ?? null)
      if (folds === null) {
        const { name, loss } = model.compiled.outputs[0]!
        const byClass = stratified ?? /crossentropy/i.test(loss.type)
        folds = byClass
          ? stratifiedKFold(classes(all.y[name]!), { folds: count, ...rest })
          : kFold(all.length, { folds: count, ...rest })
      }
      const pick = (rows: Uint32Array): TrainingSource => {
        const each = (tensors: Readonly<Record<string, Tensor>>) =>
          Object.fromEntries(Object.entries(tensors).map(([name, t]) => [name, gatherRows(t, rows)]))
        const weight = all.sampleWeight === null ? {} : { sampleWeight: each(all.sampleWeight) }
        return { x: each(all.x), y: each(all.y), ...weight }
      }
      const { train, validation } = folds[fold]!
      return { train: pick(train), validation: pick(validation) }
    },
  }
}

/** The class of each example: its number, or where the largest of its row stands (one-hot). */
function classes(targets: Tensor): number[] {
  const examples = targets.shape[0]!
  const width = targets.data.length / examples
  const row = (i: number) => Array.from({ length: width }, (_, k) => Number(targets.data[i * width + k]))
  return Array.from({ length: examples }, (_, i) => {
    const numbers = row(i)
    return width === 1 ? numbers[0]! : numbers.indexOf(Math.max(...numbers))
  })
}
