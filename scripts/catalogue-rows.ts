import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { optimizerFromConfig } from '../src/optim/index.js'

/** docs/training.md: what there is to train with, made from the factories, their doc comments and defaults. */
export function catalogue(): string {
  const sections = [
    '# Optimizers, schedules, callbacks, augmentation',
    'Made from the source by `npm run docs`. Every entry is one file; its doc comment there says the whole: formula, ranges, shapes, sources, and how Keras and PyTorch differ.',
    '## Optimizers',
    'Every optimizer also takes the shared options: `weightDecay` (`weightDecayMode`, `excludeFromWeightDecay`), `clipvalue`, `clipnorm`, `globalClipnorm`, `adaptiveClip`, `gradientCentralization`, `gradientNoise`, `useEma` (`emaMomentum`, `emaOverwriteFrequency`), `gradientAccumulationSteps`, and `groups` of parameters chosen by path. State: numbers kept for each weight of a 64 × 64 kernel.',
    table(
      ['optimizer', 'default rate', 'state', 'what it is'],
      entries('src/optim/recipes/index.ts').map(({ name, doc }) => {
        const made = optimizerFromConfig({ name })
        const rate = typeof made.learningRate === 'number' ? String(made.learningRate) : 'schedule'
        const kernel = { path: 'dense/kernel', shape: [64, 64] }
        const numbers = made.slots([kernel]).reduce((sum, slot) => sum + slot.shape.reduce((a, b) => a * b, 1), 0)
        return [`\`${name}\``, rate, String(Number((numbers / 4096).toFixed(2))), doc]
      }),
    ),
    '## Wrappers',
    'Functions from optimizer to optimizer: `optimizers.ema(optimizers.adam(), { momentum: 0.999 })`. They nest.',
    list('src/optim/wrappers/index.ts'),
    '## Schedules',
    'Functions of the number of updates made so far, for any `learningRate`; they carry their configuration and are saved with the model.',
    list('src/optim/schedules/table.ts'),
    '## Callbacks',
    list('src/train/callbacks/index.ts'),
    '## Augmentation',
    'Maps for data sets: `train.map(augment.randomCrop({ padding: 4 }))`, or after `.batch(n)` for those that mix examples.',
    list('src/data/augment/index.ts'),
  ]
  return `${sections.join('\n\n')}\n`
}

const list = (index: string): string =>
  table(
    ['name', 'what it does'],
    entries(index).map(({ name, doc }) => [`\`${name}\``, doc]),
  )

/** Functions that an index exports, each with the first sentence of its doc comment. */
function entries(index: string): { name: string; doc: string }[] {
  const root = join(import.meta.dirname, '..')
  const text = readFileSync(join(root, index), 'utf8')
  return [...text.matchAll(/^export \{([^}]*)\} from '([^']+)'/gms)].flatMap(([, names, path]) => {
    const source = readFileSync(join(root, dirname(index), path!.replace(/\.js$/, '.ts')), 'utf8')
    return names!
      .split(',')
      .map(name => name.trim())
      .filter(name => name !== '' && !name.startsWith('type '))
      .flatMap(name => {
        const doc = docOf(source, name)
        return doc === null ? [] : [{ name, doc }]
      })
  })
}

function docOf(source: string, name: string): string | null {
  const at = source.search(new RegExp(`^export (?:const|function|async function) ${name}\\b`, 'm'))
  const before = at < 0 ? '' : source.slice(0, at).trimEnd()
  if (!before.endsWith('*/')) return null
  const comment = before.slice(before.lastIndexOf('/**') + 3, -2)
  const text = comment
    .split('\n')
    .map(line => line.replace(/^\s*\*? ?/, ''))
    .join(' ')
    .replace(/\s+@.*$/s, '')
    .replace(/\s+/g, ' ')
    .trim()
  // A sentence ends at a full stop before a capital or the end; "et al." and "i.e." do not.
  const end = text.search(/(?<!\b(?:al|e|i|g|vs|cf|Alg|Sec))\.(?=\s+[A-Z`]|$)/)
  return end < 0 ? text : text.slice(0, end + 1)
}

function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(titles), line(titles.map(() => '---')), ...rows.map(line)].join('\n')
}
