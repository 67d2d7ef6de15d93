import { join } from 'node:path'
import { ConfigError } from '../ir/index.js'
import { reportHtml, tableText } from '../report/index.js'
import { quickstart, quickstartReport, variantTable } from '../tasks/quickstart.js'
import { progress } from '../train/callbacks/progress.js'
import { writeFileAtomic } from '../train/write.js'

const whole = (text: string, option: string, least: number): number => {
  const value = Number(text)
  if (!Number.isInteger(value) || value < least)
    throw new ConfigError({
      code: 'bad-option',
      where: `--${option}`,
      expected: `a whole number ≥ ${least}`,
      received: text,
    })
  return value
}

/** `anneal quickstart`: trains, prints the table, writes the run folder. */
export async function runQuickstart(options: { seed: string; small: string; out: string }): Promise<void> {
  const say = (line: string) => process.stdout.write(`${line}\n`)
  const seed = whole(options.seed, 'seed', 0)
  const small = whole(options.small, 'small', 50)
  const began = performance.now()
  const result = await quickstart({ seed, small, onProgress: say, callbacks: [progress({ stream: process.stdout })] })
  const { main, variants } = result
  say('')
  say(
    `Test accuracy with l2(0.01) on ${main.examples} digits: ${(100 * main.testAccuracy).toFixed(1)} % after ${main.history.epoch.length} epochs (${main.seconds.toFixed(1)} s)`,
  )
  say('')
  const table = variantTable(result)
  say(tableText(table))
  say(table.caption ?? '')

  const folder = join(options.out, `quickstart-${new Date().toISOString().replace(/[:.]/g, '-')}`)
  await result.model.save(join(folder, 'model.onnx'))
  await writeFileAtomic(
    join(folder, 'config.json'),
    `${JSON.stringify({ command: 'quickstart', seed, small, data: result.data }, null, 2)}\n`,
  )
  const lines = [
    ...main.history.epoch.map((epoch, i) => ({ run: 'all digits, L2', epoch, ...at(main.history.history, i) })),
    ...variants.flatMap(v => v.history.epoch.map((epoch, i) => ({ run: v.name, epoch, ...at(v.history.history, i) }))),
  ]
  await writeFileAtomic(join(folder, 'history.jsonl'), `${lines.map(line => JSON.stringify(line)).join('\n')}\n`)
  await writeFileAtomic(join(folder, 'report.html'), await reportHtml(quickstartReport(result)))

  say('')
  say(`Written in ${((performance.now() - began) / 1000).toFixed(0)} s to ${folder}:`)
  say('  report.html    the loss and accuracy curves: open it in a browser')
  say('  model.onnx     the trained model, for any ONNX Runtime')
  say('  history.jsonl  every epoch of every run')
  say('')
  say('Try next:')
  say('  npm run quickstart -- --small 1000    more data is the best regularizer: watch the gap shrink by itself')
  if (result.data.source === 'drawn') say('  ANNEAL_DATA=<folder> npm run quickstart    the same on real MNIST files')
  say('  examples/                             the API in small programs')
}

const at = (history: Readonly<Record<string, readonly number[]>>, i: number) =>
  Object.fromEntries(Object.entries(history).map(([name, values]) => [name, values[i]]))
