import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { operatorTable } from './operator-rows.js'

test('docs/operators.md is what the records say (npm run docs writes it)', () => {
  expect(readFileSync(join(import.meta.dirname, '..', 'docs', 'operators.md'), 'utf8')).toBe(operatorTable())
})
