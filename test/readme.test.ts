import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'

// The README's programs run as they stand there, but for the number of epochs and where the package is found.
const root = join(import.meta.dirname, '..')
const readme = await readFile(join(root, 'README.md'), 'utf8')
const programs = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map(match => match[1]!)
const places: Readonly<Record<string, string>> = {
  anneal: 'src/index.ts',
  'anneal/data': 'src/data/index.ts',
  'anneal/graph': 'src/graph.ts',
  'anneal/tune': 'src/tune/index.ts',
  'anneal/ops': 'src/ops/index.ts',
}

test('the README holds programs', () => expect(programs.length).toBeGreaterThan(1))

test.each(programs.map((program, i) => [i + 1, program] as const))(
  'program %i of the README runs',
  async (_, program) => {
    const folder = await mkdtemp(join(root, 'test', 'readme-'))
    try {
      const text = program
        .replace(/from '(anneal[^']*)'/g, (_all, name: string) => `from '${join(root, places[name]!)}'`)
        .replace(/epochs: \d+/, 'epochs: 1, verbose: 0')
        .replace(/'digits\.onnx'/, `'${join(folder, 'digits.onnx')}'`)
      await writeFile(join(folder, 'program.ts'), `${text}\nexport {}\n`)
      await import(join(folder, 'program.ts'))
    } finally {
      await rm(folder, { recursive: true })
    }
  },
)
