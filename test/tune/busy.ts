import { loadStudy } from '../../src/tune/index.js'

// A worker whose objective lets nothing else of its thread have a turn.
const [url, seconds] = process.argv.slice(2)
const study = await loadStudy({ name: 'busy', storage: url!, heartbeat: { interval: 0.25, grace: 2, retry: 1 } })
await study.optimize(
  () => {
    process.stdout.write('busy\n')
    const end = performance.now() + Number(seconds) * 1000
    while (performance.now() < end);
    return 1
  },
  { trials: 1 },
)
await study.storage.close()
