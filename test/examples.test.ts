import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

// Every program in examples/ runs, and what it claims holds: a new file is covered without being named here.
const folder = join(import.meta.dirname, '..', 'examples')
test.each(readdirSync(folder).filter(name => name.endsWith('.ts')))('example %s does what it says', async name => {
  const example = (await import(join(folder, name))) as {
    main: () => Promise<unknown>
    claim: (result: never) => boolean
  }
  const result = await example.main()
  expect(example.claim(result as never), JSON.stringify(result)).toBe(true)
})
