import { execFileSync } from 'node:child_process'
import { columns, machine, median } from './harness.js'
import { annealModel } from './peers/anneal.js'
import { scenarios } from './scenarios.js'

/** How long until the first step is done? Each measurement in a process of its own: nothing is loaded or compiled yet. */
const PROCESSES = 5
const STAGES = ['build model', 'trace + differentiate + compile', 'first run', 'sum', 'a later step'] as const

const [mode, name] = process.argv.slice(2)
if (mode === '--child') process.stdout.write(JSON.stringify(await stages(name!)))
else {
  console.log(`${machine()}\n\nms until the first step is done · median of ${PROCESSES} processes`)
  const rows = Object.values(scenarios()).map(scenario => {
    const runs = Array.from({ length: PROCESSES }, () => {
      const child = [...process.execArgv, process.argv[1]!, '--child', scenario.name]
      return JSON.parse(execFileSync(process.execPath, child, { encoding: 'utf8' })) as number[]
    })
    return [scenario.name, ...STAGES.map((_, stage) => median(runs.map(run => run[stage]!)).toFixed(0)), '']
  })
  console.log(columns([['model', ...STAGES, ''], ...rows]))
}

async function stages(scenarioName: string): Promise<number[]> {
  const scenario = scenarios()[scenarioName]!
  const { x, y } = scenario.batches[0]!
  const batch = {
    x: { dtype: 'float32' as const, shape: [scenario.batchSize, ...scenario.input], data: x },
    y: { dtype: 'int32' as const, shape: [scenario.batchSize], data: y },
  }
  const marks = [performance.now()]
  const mark = () => marks.push(performance.now())
  const model = annealModel(scenario)
  mark()
  const [input, output] = [model.network.inputs[0]!.name, model.network.outputs[0]!.name]
  await model.stepFor({ x: { [input]: batch.x }, y: { [output]: batch.y }, weights: {} }, { phase: 'update' })
  mark()
  await model.trainOnBatch(batch.x, batch.y)
  mark()
  for (let i = 0; i < 5; i++) await model.trainOnBatch(batch.x, batch.y)
  const start = performance.now()
  await model.trainOnBatch(batch.x, batch.y)
  const later = performance.now() - start
  return [...marks.slice(1).map((time, i) => time - marks[i]!), marks.at(-1)! - marks[0]!, later]
}
