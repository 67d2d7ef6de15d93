import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'

const root = join(import.meta.dirname, '..', '..')
export const sphere = join(import.meta.dirname, 'sphere.mjs')

/** A folder with the command line in one file, which starts faster than its parts. */
export async function bundledCli(): Promise<{ folder: string; script: string; remove(): void }> {
  mkdirSync(join(root, 'runs'), { recursive: true })
  // Below node_modules, where the bundle finds its packages.
  const folder = mkdtempSync(join(root, 'runs', 'cli-'))
  // As deep as the built files, which find the templates of deploy/ from where they are.
  const script = join(folder, 'cli', 'anneal.mjs')
  await build({
    entryPoints: [join(root, 'src', 'cli', 'main.ts')],
    outfile: script,
    bundle: true,
    platform: 'node',
    format: 'esm',
    external: ['onnxruntime-*', 'libsql', 'pg', 'pg-native', 'echarts'],
    banner: {
      js: "import { createRequire as require_ } from 'node:module'; const require = require_(import.meta.url)",
    },
  })
  return { folder, script, remove: () => rmSync(folder, { recursive: true, force: true }) }
}

export interface Run {
  readonly child: ChildProcess
  /** What it has written so far. */
  text(): string
  /** Waits for something to be written. */
  wrote(pattern: RegExp): Promise<void>
  readonly ended: Promise<{ code: number | null; out: string; errors: string }>
}

export function runCli(
  script: string,
  args: readonly string[],
  { cwd, env = {} }: { cwd: string; env?: Readonly<Record<string, string>> },
): Run {
  const child = spawn(process.execPath, [script, ...args], {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [out, errors] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text))
  const ended = new Promise<{ code: number | null; out: string; errors: string }>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', code => resolve({ code, out, errors }))
  })
  return {
    child,
    text: () => out + errors,
    wrote: pattern =>
      new Promise((resolve, reject) => {
        const look = () => pattern.test(out + errors) && resolve()
        child.stdout.on('data', look)
        child.stderr.on('data', look)
        child.once('close', () => reject(new Error(`ended without ${pattern}: ${out}${errors}`)))
        look()
      }),
    ended,
  }
}
