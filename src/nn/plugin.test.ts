import { expect, test } from 'vitest'
import { activationTable } from './activations.js'
import { constraintTable } from './constraints.js'
import { initializerTable } from './initializers.js'
import { lossTable } from './losses.js'
import { metricTable } from './metrics.js'
import { regularizerTable } from './regularizers.js'

const tables = { activationTable, constraintTable, initializerTable, lossTable, metricTable, regularizerTable }

test('no type of any family takes a parameter it does not know', () => {
  for (const [name, table] of Object.entries(tables))
    for (const [type, { parameters }] of Object.entries(table))
      expect(`${name}.${type}: ${parameters.safeParse({ nonsense: 1 }).success}`).toBe(`${name}.${type}: false`)
})
