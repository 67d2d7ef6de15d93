import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { catalogue } from './catalogue-rows.js'
import { operatorTable } from './operator-rows.js'

/** The documents that are made from the source, by name in docs/. */
export const documents: Readonly<Record<string, () => string>> = {
  'operators.md': operatorTable,
  'training.md': catalogue,
}

export const pathOf = (name: string): string => join(import.meta.dirname, '..', 'docs', name)

/** Writes them, or with --check fails where one is not up to date. */
if (process.argv[1] === import.meta.filename)
  for (const [name, make] of Object.entries(documents)) {
    const text = make()
    if (!process.argv.includes('--check')) writeFileSync(pathOf(name), text)
    else if (readFileSync(pathOf(name), 'utf8') !== text) {
      process.stderr.write(`docs/${name} is not up to date: run npm run docs\n`)
      process.exitCode = 1
    }
  }
