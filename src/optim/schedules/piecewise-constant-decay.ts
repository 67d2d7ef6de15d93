import { z } from 'zod'
import { defineSchedule } from './define.js'
import { boundaries, rate } from './options.js'

const options = z
  .strictObject({
    /** Last step of each value but the last; growing. */
    boundaries: boundaries(),
    /** Rates: one more than there are boundaries. */
    values: z.array(rate(), { error: 'a list of rates' }),
  })
  .refine(o => o.values.length === o.boundaries.length + 1, {
    path: ['values'],
    error: 'one value more than there are boundaries',
  })

/**
 * values[0] up to and with step boundaries[0], then values[1] up to and with boundaries[1], …, as Keras's
 * PiecewiseConstantDecay (`sequence` changes one step earlier, as PyTorch does). The last value holds for ever.
 */
export const piecewiseConstantDecay = defineSchedule('piecewiseConstantDecay', {
  options,
  rate: o => step => {
    const at = o.boundaries.findIndex(boundary => step <= boundary)
    return at === -1 ? o.values.at(-1)! : o.values[at]!
  },
})
