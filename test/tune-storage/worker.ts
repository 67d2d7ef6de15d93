import { loadStudy, type Objective, TrialPruned } from '../../src/tune/index.js'
import { prunerFrom, samplerFrom } from '../../src/tune/names.js'

// One worker of a study: makes trials until it has made its share, and says which.
const [url, name, count, given = '{}'] = process.argv.slice(2)
const plan = JSON.parse(given) as {
  objective?: keyof typeof objectives
  sampler?: object
  pruner?: object
  retry?: number
}

const objectives = {
  plain: async trial => {
    const x = trial.suggestFloat('x', -10, 10)
    const kind = trial.suggestCategorical('kind', ['a', 'b', null])
    await trial.report(x, 0)
    return (x - 2) ** 2 + (kind === 'a' ? 0 : 1)
  },
  steps: async trial => {
    const x = trial.suggestFloat('x', -5, 5)
    const rate = trial.suggestFloat('η rate', 1e-5, 1e-1, { log: true })
    const kind = trial.suggestCategorical('kind', [null, false, 2.5, 7, 'ä'])
    const n = trial.suggestInt('n', 1, 9, { step: 2 })
    const end = (x - 1) ** 2 + Math.abs(Math.log10(rate) + 3) + (kind === false ? 1 : 0)
    for (let step = 0; step < 10; step++) {
      await trial.report(end + n / (step + 1), step)
      if (await trial.shouldPrune()) throw new TrialPruned()
    }
    return end
  },
  fronts: trial => {
    const [x, y] = [trial.suggestFloat('x', 0, 1), trial.suggestFloat('y', 0, 1)]
    trial.setConstraint('sum', 1 - x - y)
    return [x, y]
  },
  hang: async trial => {
    trial.suggestFloat('x', -5, 5)
    await trial.flushed()
    process.stdout.write('hangs\n')
    await new Promise(resolve => setTimeout(resolve, 600_000))
    return 0
  },
} satisfies Record<string, Objective>

const study = await loadStudy({
  name: name!,
  storage: url!,
  sampler: samplerFrom(plan.sampler ?? 'random'),
  pruner: prunerFrom(plan.pruner ?? 'nop'),
  ...(plan.retry === undefined ? {} : { heartbeat: { interval: 1, grace: 3, retry: plan.retry } }),
})
const made: number[] = []
await study.optimize(
  trial => {
    trial.setUserAttr('by', 'node')
    made.push(trial.number)
    return objectives[plan.objective ?? 'plain'](trial)
  },
  { trials: Number(count) },
)
await study.storage.close()
process.stdout.write(`${JSON.stringify(made)}\n`)
