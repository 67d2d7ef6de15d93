import { join } from 'node:path'
import { ConfigError } from '../ir/index.js'
import { reportHtml, tableText } from '../report/index.js'
import {
  type CompareOptions,
  type Comparison,
  compareOptimizers,
  compareRegularizers,
  compareReport,
  compareSchedules,
  comparisonTable,
} from '../tasks/compare/index.js'
import { writeFileAtomic } from '../train/write.js'

const comparisons: Readonly<Record<string, (options: CompareOptions) => Promise<Comparison>>> = {
  optimizers: compareOptimizers,
  regularizers: compareRegularizers,
  schedules: compareSchedules,
}

const comparisonNames: readonly string[] = [...Object.keys(comparisons), 'samplers']

/** What the command line gives: texts. */
export interface CompareFlags {
  seed?: string
  seeds?: string
  epochs?: string
  examples?: string
  wrong?: string
  /** Of samplers: trials of each study. */
  trials?: string
  only?: string
  quick?: boolean
  tune?: boolean
  out: string
}

/** `anneal compare <what>`: trains, prints the table, writes the run folder. */
export async function runCompare(what: string, flags: CompareFlags): Promise<void> {
  if (what === 'samplers') return (await import('./compare-samplers.js')).runCompareSamplers(flags)
  const say = (line: string) => process.stdout.write(`${line}\n`)
  const compare = Object.hasOwn(comparisons, what) ? comparisons[what]! : undefined
  if (compare === undefined)
    throw new ConfigError({
      code: 'unknown-comparison',
      where: 'anneal compare',
      expected: `one of ${comparisonNames.join(', ')}`,
      received: what,
    })
  const numbers = Object.fromEntries(
    (['seed', 'seeds', 'epochs', 'examples', 'wrong'] as const).flatMap(key =>
      flags[key] === undefined ? [] : [[key, flags[key].trim() === '' ? Number.NaN : Number(flags[key])]],
    ),
  )
  const comparison = await compare({
    ...numbers,
    ...(flags.only === undefined ? {} : { only: flags.only.split(',').map(name => name.trim()) }),
    quick: flags.quick ?? false,
    tune: flags.tune ?? false,
    onProgress: say,
  })
  const report = compareReport(comparison)
  say('')
  const table = comparisonTable(comparison, { verdict: false })
  say(tableText(table))
  say('')
  for (const text of report.sections[0]!.text ?? []) say(text)

  const folder = join(flags.out, `compare-${what}-${new Date().toISOString().replace(/[:.]/g, '-')}`)
  await writeFileAtomic(join(folder, 'compare.json'), `${JSON.stringify(comparison)}\n`)
  await writeFileAtomic(join(folder, 'report.html'), await reportHtml(report))
  say('')
  say(`Written after ${comparison.seconds.toFixed(0)} s of training to ${folder}:`)
  say('  report.html    curves, gaps, weights: open it in a browser')
  say('  compare.json   every number of it')
  if (comparison.data.source === 'drawn')
    say(`ANNEAL_DATA=<folder> anneal compare ${what}    the same on real MNIST files`)
}
