import { ConfigError, nearest } from '../../ir/index.js'
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
    if (!known.includes(name))
      return [
        {
          code: 'unknown-option',
          where,
          expected: `one of ${known.join(', ')}`,
          received: name,
          hint: `did you mean ${nearest(name, known, 1)[0]}?`,
        },
      ]
    const wanted = name === 'name' ? 'string' : 'function'
    return typeof value === wanted || value === undefined
      ? []
      : [{ code: 'bad-option', where, expected: `a ${wanted}`, received: value === null ? 'null' : typeof value }]
  })
  if (problems.length > 0)
    throw new ConfigError(
      problems.length === 1 ? problems[0]! : { code: 'bad-options', where: 'callbacks.lambdaCallback', problems },
    )
  return { ...functions }
}
