import { parseArgs } from 'node:util'
import { machine, measure, type Peer, table } from './harness.js'
import { anneal } from './peers/anneal.js'
import { bare } from './peers/bare.js'
import { torch } from './peers/torch.js'
import { scenarios } from './scenarios.js'

const USAGE = `npm run bench -- [scenario …] [--threads 1,2] [--peers name,…] [--seconds 4] [--quiet]`

/** Peers whose packages may be missing are loaded by name; then their rows say so. */
const optional = async (file: string, names: readonly string[]): Promise<Peer[]> => {
  try {
    return ((await import(`./peers/${file}.js`)) as { peers: Peer[] }).peers
  } catch (cause) {
    if ((cause as { code?: string }).code !== 'ERR_MODULE_NOT_FOUND') throw cause
    const skip = { skip: 'not installed: npm ci --prefix bench' }
    return names.map(name => ({ name, setup: async () => skip }))
  }
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    threads: { type: 'string', default: '1,2' },
    peers: { type: 'string' },
    seconds: { type: 'string', default: '4' },
    quiet: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h' },
  },
})
const all = scenarios()
const peers = [
  anneal,
  bare,
  ...torch,
  ...(await optional('jax-js', ['jax-js wasm'])),
  ...(await optional('tfjs', ['TensorFlow.js wasm', 'TensorFlow.js cpu'])),
]
const wanted = values.peers?.split(',')
const chosen = peers.filter(peer => wanted?.some(text => peer.name.toLowerCase().includes(text.toLowerCase())) ?? true)
const names = positionals.length > 0 ? positionals : Object.keys(all)
const threads = values.threads.split(',').map(Number)
const seconds = Number(values.seconds)
const unknown = names.filter(name => !(name in all))
if (values.help || unknown.length > 0 || chosen.length === 0 || !threads.every(n => n >= 1) || !(seconds > 0)) {
  console.log(`${USAGE}\nscenarios: ${Object.keys(all).join(', ')}\npeers: ${peers.map(peer => peer.name).join(', ')}`)
  process.exit(values.help ? 0 : 1)
}

console.log(machine())
for (const name of names)
  for (const count of threads) {
    console.log(`\n${all[name]!.title} · ${count} thread${count === 1 ? '' : 's'} · ms per step`)
    console.log(table(await measure(chosen, all[name]!, count, { seconds, quiet: values.quiet })))
  }
