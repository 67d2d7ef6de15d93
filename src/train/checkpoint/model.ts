import { ConfigError, FormatError, nearest, type Tensor } from '../../ir/index.js'
import type { Model } from '../model.js'

/** What a checkpoint says of the model besides its tensors. */
export interface ModelDescription {
  readonly name: string
  readonly seed: number
  readonly step: number
  readonly epoch: number
  readonly averagesSwapped: boolean
  /** Null where the model was not compiled. */
  readonly optimizer: string | null
  /** A number set by hand or a callback in place of the optimizer's; `function` cannot be written and must be set anew. */
  readonly learningRate: number | 'function' | null
}

const WEIGHTS = 'weights/'
const SLOTS = 'slots/'

/** Weights, slots and counters of a model. */
export async function captureModel(
  model: Model,
): Promise<{ description: ModelDescription; tensors: Record<string, Tensor> }> {
  const rate = model.learningRateOverride
  const weights = await model.weights()
  const slots = model.isCompiled ? await model.slots() : {}
  return {
    description: {
      name: model.name,
      seed: model.seed,
      step: model.step,
      epoch: model.epoch,
      averagesSwapped: model.averagesSwapped,
      optimizer: model.isCompiled ? model.optimizer.name : null,
      learningRate: typeof rate === 'function' ? 'function' : rate,
    },
    tensors: { ...prefixed(WEIGHTS, weights), ...prefixed(SLOTS, slots) },
  }
}

/**
 * Puts a model where a checkpoint left it. Everything is checked before anything is changed.
 * @throws FormatError that names the first parameter that differs; ConfigError for a model that is not compiled
 */
export async function restoreModel(
  model: Model,
  description: ModelDescription,
  tensors: Readonly<Record<string, Tensor>>,
  where: string,
  { optimizer = true }: { optimizer?: boolean } = {},
): Promise<void> {
  const weights = without(WEIGHTS, tensors)
  compare(await model.weights(), weights, where, 'weight', 'build the model as it was when the checkpoint was written')
  let slots: Record<string, Tensor> = {}
  if (optimizer && description.optimizer !== null) {
    if (!model.isCompiled)
      throw new ConfigError({
        code: 'not-compiled',
        where: model.name,
        expected: `a model compiled with the optimizer ${description.optimizer}`,
        received: 'none',
        hint: 'compile first, or load weights alone with { optimizer: false }',
      })
    slots = without(SLOTS, tensors)
    const names = `the checkpoint is of ${description.optimizer}, the model was compiled with ${model.optimizer.name}`
    compare(await model.slots(), slots, where, 'slot', names)
    if (model.optimizer.name !== description.optimizer)
      throw new FormatError({
        code: 'checkpoint-mismatch',
        where: `${where}: optimizer`,
        expected: model.optimizer.name,
        received: description.optimizer,
        hint: names,
      })
  }
  model.restore({ ...weights, ...slots })
  model.step = description.step
  model.epoch = description.epoch
  model.averagesSwapped = description.averagesSwapped
  if (description.learningRate !== 'function') model.learningRateOverride = description.learningRate
}

/** The first tensor that is missing, different or too many is an error. */
function compare(
  own: Readonly<Record<string, Tensor>>,
  given: Readonly<Record<string, Tensor>>,
  where: string,
  what: string,
  hint: string,
): void {
  const show = (t: Tensor | undefined) => (t === undefined ? `no such ${what}` : `${t.dtype} [${t.shape.join(', ')}]`)
  for (const name of [...Object.keys(own), ...Object.keys(given).filter(name => !(name in own))]) {
    const [expected, received] = [show(own[name]), show(given[name])]
    if (expected === received) continue
    const near = name in own ? [] : nearest(name, Object.keys(own), 1)
    throw new FormatError({
      code: 'checkpoint-mismatch',
      where: `${where}: ${name}`,
      expected,
      received,
      hint: near.length > 0 ? `${hint} (nearest: ${near[0]})` : hint,
    })
  }
}

/** Tensors under names that begin with `prefix`. */
export const prefixed = (prefix: string, tensors: Readonly<Record<string, Tensor>>): Record<string, Tensor> =>
  Object.fromEntries(Object.entries(tensors).map(([name, t]) => [prefix + name, t]))

/** The tensors whose names begin with `prefix`, without it. */
export const without = (prefix: string, tensors: Readonly<Record<string, Tensor>>): Record<string, Tensor> =>
  Object.fromEntries(
    Object.entries(tensors)
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, t]) => [name.slice(prefix.length), t]),
  )
