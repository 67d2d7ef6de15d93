import { refuse, unknownOption } from '../../ir/options.js'
import { type Callback, hooks } from '../callback.js'

/**
 * A callback from functions by the names of its methods: `lambdaCallback({ onEpochEnd: (epoch, logs) => … })`. Keras's
 * LambdaCallback, with every hook; any object with such methods is a callback too, this one is checked at once.
 * @throws ConfigError for unknown names and for what is no function, all at once
 */
export function lambdaCallback(functions: Callback): Callback {
  const known = [...hooks, 'setModel', 'setParams', 'state', 'restore', 'name']
  const given: object = functions ?? {}
  const problems = Object.entries(given).flatMap(([name, value]) => {
    const where = `callbacks.lambdaCallback.${name}`
    if (!known.includes(name)) return [unknownOption(name, known, 'callbacks.lambdaCallback')]
    const wanted = name === 'name' ? 'string' : 'function'
    return typeof value === wanted || value === undefined
      ? []
      : [{ code: 'bad-option', where, expected: `a ${wanted}`, received: value === null ? 'null' : typeof value }]
  })
  refuse(problems, 'callbacks.lambdaCallback')
  return { ...functions }
}
