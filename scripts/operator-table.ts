import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { operatorTable } from './operator-rows.js'

/** Writes docs/operators.md, or with --check fails where it is not up to date. */
const path = join(import.meta.dirname, '..', 'docs', 'operators.md')
const text = operatorTable()
if (process.argv.includes('--check')) {
  if (readFileSync(path, 'utf8') !== text) {
    process.stderr.write('docs/operators.md is not up to date: run npm run docs\n')
    process.exit(1)
  }
} else writeFileSync(path, text)
