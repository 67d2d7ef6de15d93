import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { documents, pathOf } from './docs.js'

test.each(Object.entries(documents))('docs/%s is what the source says (npm run docs writes it)', (name, make) => {
  expect(readFileSync(pathOf(name), 'utf8')).toBe(make())
})
