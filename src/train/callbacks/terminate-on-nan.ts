import { z } from 'zod'
import { parseOptions } from '../../nn/plugin.js'
import type { Callback, CallbackParams } from '../callback.js'

export interface TerminateOnNaNOptions {
  /** Let the NumericError end training as it does without this callback, so that no `onTrainEnd` runs; default false. */
  raiseError?: boolean
}

const schema = z.strictObject({ raiseError: z.boolean().optional() })

/**
 * Ends training cleanly, with reason `stopped`, when a loss is not finite, where otherwise a NumericError is thrown. The
 * update of that batch is not made: what was learned before it is kept. The epoch ends with `loss: NaN` in its logs, as
 * in Keras; where the value came from is told in the stream of events.
 */
export function terminateOnNaN(options: TerminateOnNaNOptions = {}): Callback {
  const { raiseError = false } = parseOptions(schema, options ?? {}, 'callbacks.terminateOnNaN')
  let params: CallbackParams | undefined
  return {
    name: 'terminateOnNaN',
    setParams: given => {
      params = given
    },
    onNumericError: (error, model) => {
      if (raiseError) return
      params?.notify({ type: 'notice', level: 'warning', from: 'terminateOnNaN', text: error.message })
      model.stopTraining = true
    },
  }
}
