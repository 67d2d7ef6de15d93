import { loadStudy } from '../../src/tune/index.js'

// One worker of a study: makes trials until it has made its share, and says which.
const [url, name, count] = process.argv.slice(2)
const study = await loadStudy({ name: name!, storage: url! })
const made: number[] = []
await study.optimize(
  async trial => {
    const x = trial.suggestFloat('x', -10, 10)
    const kind = trial.suggestCategorical('kind', ['a', 'b', null])
    await trial.report(x, 0)
    trial.setUserAttr('by', 'node')
    made.push(trial.number)
    return (x - 2) ** 2 + (kind === 'a' ? 0 : 1)
  },
  { trials: Number(count) },
)
await study.storage.close()
process.stdout.write(`${JSON.stringify(made)}\n`)
