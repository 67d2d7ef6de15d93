import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, relative, sep } from 'node:path'

/**
 * The folder rule: imports point downward only. Each folder of src names what it may import from; anything else is
 * reported. Circles of modules are allowed inside src/ops (rules call builders of other families) and between a layer
 * and the network it is applied in, and nowhere else.
 */
const below: Readonly<Record<string, readonly string[]>> = {
  ir: [],
  ops: ['ir'],
  autodiff: ['ops', 'ir'],
  runtime: ['autodiff', 'ops', 'ir'],
  nn: ['runtime', 'autodiff', 'ops', 'ir'],
  optim: ['runtime', 'autodiff', 'ops', 'ir'],
  data: ['runtime', 'autodiff', 'ops', 'ir'],
  report: ['ir'],
  train: ['report', 'data', 'optim', 'nn', 'runtime', 'autodiff', 'ops', 'ir'],
  tune: ['report', 'train', 'data', 'optim', 'nn', 'runtime', 'autodiff', 'ops', 'ir'],
  tasks: ['tune', 'report', 'train', 'data', 'optim', 'nn', 'runtime', 'autodiff', 'ops', 'ir'],
  cli: ['tasks', 'tune', 'report', 'train', 'data', 'optim', 'nn', 'runtime', 'autodiff', 'ops', 'ir'],
  // Contract suites serve whoever implements a contract, so they see everything and nothing but tests sees them.
  testing: ['tune', 'train', 'data', 'optim', 'nn', 'runtime', 'autodiff', 'ops', 'ir'],
}

function* files(folder: string): Iterable<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) yield* files(path)
    else if (path.endsWith('.ts')) yield path
  }
}

const problems: string[] = []
const graph = new Map<string, string[]>()
for (const file of files('src')) {
  const test = /\.test(-d)?\.ts$/.test(file)
  const [folder] = relative('src', file).split(sep)
  if (folder === undefined || folder.endsWith('.ts')) continue
  const allowed = below[folder]
  if (allowed === undefined) {
    problems.push(`${file}: folder src/${folder} has no place in scripts/check-folders.ts`)
    continue
  }
  const text = readFileSync(file, 'utf8')
  const uses: string[] = []
  for (const [, kind, , path] of text.matchAll(
    /^\s*(?:import|export)\s+(type\s)?([^'"]*?\sfrom\s)?['"](\.[^'"]+)['"]/gm,
  )) {
    const target = normalize(join(dirname(file), path!)).replace(/\.js$/, '.ts')
    const [into] = relative('src', target).split(sep)
    if (!test && into !== folder && (into === undefined || into.endsWith('.ts') || !allowed.includes(into)))
      problems.push(
        `${file}: src/${folder} must not import from ${into?.endsWith('.ts') ? target : `src/${into}`} (may: ${allowed.join(', ') || 'nothing'})`,
      )
    if (kind === undefined) uses.push(target)
  }
  if (!test) graph.set(file, uses)
}

const circleAllowed = (file: string) =>
  file.startsWith(join('src', 'ops') + sep) ||
  file === join('src', 'nn', 'layer.ts') ||
  file === join('src', 'nn', 'network.ts')
/** Depth-first search for a way back. */
function findCircle(): string[] | null {
  const done = new Set<string>()
  const path: string[] = []
  const visit = (file: string): string[] | null => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file]
    if (done.has(file)) return null
    path.push(file)
    for (const next of graph.get(file) ?? []) {
      const circle = visit(next)
      if (circle !== null && !circle.every(circleAllowed)) return circle
    }
    path.pop()
    done.add(file)
    return null
  }
  for (const file of graph.keys()) {
    const circle = visit(file)
    if (circle !== null) return circle
  }
  return null
}
const circle = findCircle()
if (circle !== null) problems.push(`circle of imports: ${circle.join(' -> ')}`)

if (problems.length > 0) {
  process.stderr.write(`${problems.join('\n')}\n`)
  process.exit(1)
}
process.stdout.write(`Folder rule holds: ${graph.size} files.\n`)
