import { z } from 'zod'
import { ConfigError } from '../../ir/index.js'
import { parseOptions } from '../../nn/plugin.js'
import type { Callback, CallbackParams } from '../callback.js'

export interface LearningRateSchedulerOptions {
  /** 1 tells of every epoch's learning rate in the stream of events; default 0. */
  verbose?: 0 | 1
}

const schema = z.strictObject({ verbose: z.union([z.literal(0), z.literal(1)]).optional() })

/**
 * Sets the learning rate at the beginning of each epoch: `schedule(epoch, learningRate)`, epochs from 0. Puts
 * `learning_rate` into the epoch's logs. Keras's LearningRateScheduler; a schedule of the optimizer's is replaced.
 * @throws ConfigError where the function gives anything but a finite number ≥ 0
 */
export function learningRateScheduler(
  schedule: (epoch: number, learningRate: number) => number,
  options: LearningRateSchedulerOptions = {},
): Callback {
  const where = 'callbacks.learningRateScheduler'
  if (typeof schedule !== 'function')
    throw new ConfigError({
      code: 'bad-option',
      where,
      expected: 'a function (epoch, learningRate) → learningRate',
      received: typeof schedule,
    })
  const { verbose = 0 } = parseOptions(schema, options ?? {}, where)
  let params: CallbackParams | undefined
  return {
    name: 'learningRateScheduler',
    setParams: given => {
      params = given
    },
    onEpochBegin: (epoch, _logs, model) => {
      const rate: unknown = schedule(epoch, model.learningRate)
      if (typeof rate !== 'number' || !Number.isFinite(rate) || rate < 0)
        throw new ConfigError({
          code: 'learning-rate',
          where: `${where}, epoch ${epoch}`,
          expected: 'a finite number ≥ 0',
          received: rate === undefined ? 'undefined' : rate,
        })
      model.learningRate = rate
      if (verbose === 1)
        params?.notify({
          type: 'notice',
          level: 'info',
          from: 'learningRateScheduler',
          text: `epoch ${epoch + 1}: learning rate ${rate}`,
        })
    },
    onEpochEnd: (_epoch, logs, model) => {
      logs.learning_rate = model.learningRate
    },
  }
}
