import { describe, expect, test } from 'vitest'
import { checkSample } from '../testing/check-op.js'
import { operators } from './table.js'

// Every record of the table, on every one of its samples: central differences, first and second order.
describe.each([...operators.values()].map(record => [record.op, record] as const))('%s', (_, record) => {
  test('has samples', () => expect(record.samples.length).toBeGreaterThan(0))
  test.each(record.samples.map((sample, i) => [i, sample] as const))(
    'gradient of sample %i is the central difference',
    async i => {
      const check = await checkSample(record, i)
      expect(check, JSON.stringify(check)).toMatchObject({ passed: true })
    },
  )
})
