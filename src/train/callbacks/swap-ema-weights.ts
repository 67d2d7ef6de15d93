import { z } from 'zod'
import { ConfigError } from '../../ir/index.js'
import { parseOptions } from '../../nn/plugin.js'
import { swapAverages } from '../averages.js'
import type { Callback } from '../callback.js'
import type { Model } from '../model.js'

export interface SwapEMAWeightsOptions {
  /** Also swap from the end of an epoch to the beginning of the next, for callbacks such as modelCheckpoint; default false. */
  swapOnEpoch?: boolean
}

const schema = z.strictObject({ swapOnEpoch: z.boolean().optional() })

/**
 * Puts the optimizer's averages in the place of the weights for evaluation and prediction, and the weights back after:
 * Keras's SwapEMAWeights, for an optimizer with `useEma: true`. With `swapOnEpoch` put it before the callbacks that are
 * to see the averages.
 * @throws ConfigError for an optimizer without averages, or one that evaluates with them by itself
 */
export function swapEMAWeights(options: SwapEMAWeightsOptions = {}): Callback {
  const where = 'callbacks.swapEMAWeights'
  const { swapOnEpoch = false } = parseOptions(schema, options ?? {}, where)
  /** What evaluation found, to be put back after. */
  let before = false
  const put = async (averages: boolean, model: Model): Promise<void> => {
    if (model.averagesSwapped === averages) return
    if (model.optimizer.evaluate !== undefined)
      throw new ConfigError({
        code: 'averages-in-use',
        where,
        expected: 'an optimizer that leaves its averages alone',
        received: `${model.optimizer.name}, which evaluates, predicts and saves with them by itself`,
        hint: 'leave the callback out, or say evaluate: false in the wrapper',
      })
    await swapAverages(model)
  }
  const begin = (model: Model): Promise<void> => {
    before = model.averagesSwapped
    return put(true, model)
  }
  return {
    name: 'swapEMAWeights',
    onEpochBegin: (_epoch, _logs, model) => put(false, model),
    onEpochEnd: (_epoch, _logs, model) => (swapOnEpoch ? put(true, model) : undefined),
    onTestBegin: (_logs, model) => begin(model),
    onTestEnd: (_logs, model) => put(before, model),
    onPredictBegin: (_logs, model) => begin(model),
    onPredictEnd: (_logs, model) => put(before, model),
  }
}
