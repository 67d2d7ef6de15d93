import { join } from 'node:path'
import { reportHtml, tableText } from '../report/index.js'
import { compareSamplers, samplersReport, samplerTable } from '../tasks/compare-samplers/index.js'
import { writeFileAtomic } from '../train/write.js'
import type { CompareFlags } from './compare.js'
import { numberOption } from './options.js'

/** `anneal compare samplers`: searches, prints the table, writes the run folder. */
export async function runCompareSamplers(flags: CompareFlags): Promise<void> {
  const say = (line: string) => process.stdout.write(`${line}\n`)
  const numbers = Object.fromEntries(
    (['seed', 'seeds', 'trials'] as const).flatMap(key => {
      const value = numberOption(flags[key], key, true, 0)
      return value === undefined ? [] : [[key, value]]
    }),
  )
  const comparison = await compareSamplers({
    ...numbers,
    ...(flags.only === undefined ? {} : { only: flags.only.split(',').map(name => name.trim()) }),
    quick: flags.quick ?? false,
    onProgress: say,
  })
  const table = samplerTable(comparison)
  say('')
  say(tableText(table))
  say(table.caption ?? '')
  const folder = join(flags.out, `compare-samplers-${new Date().toISOString().replace(/[:.]/g, '-')}`)
  await writeFileAtomic(join(folder, 'compare.json'), `${JSON.stringify(comparison)}\n`)
  await writeFileAtomic(join(folder, 'report.html'), await reportHtml(samplersReport(comparison)))
  say('')
  say(`Written after ${comparison.seconds.toFixed(0)} s of searching to ${folder}:`)
  say('  report.html    the best so far, and where each sampler looked: open it in a browser')
  say('  compare.json   every number of it')
}
