import { type ChildProcess, fork } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import { afterAll, beforeAll, expect, test } from 'vitest'

// A real process is killed, kill -9, again and again, at any moment of training, saving and loading. It must end with
// exactly what an uninterrupted one ends with. KILLS sets how often.
const kills = Number(process.env.KILLS ?? 21)
const root = join(import.meta.dirname, '..')
// Below node_modules, where the bundle finds the runtime.
let folder = ''
let script = ''
beforeAll(async () => {
  mkdirSync(join(root, 'runs'), { recursive: true })
  folder = mkdtempSync(join(root, 'runs', 'killed-'))
  script = join(folder, 'train.mjs')
  await build({
    entryPoints: [join(import.meta.dirname, 'killed', 'train.ts')],
    outfile: script,
    bundle: true,
    platform: 'node',
    format: 'esm',
    external: ['onnxruntime-*'],
  })
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Starts training; says when the process has ended, and when its first batch begins. */
function start(run: string): { child: ChildProcess; training: Promise<void>; ended: Promise<number | null> } {
  const child = fork(script, [run], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const ended = new Promise<number | null>(resolve => child.once('exit', resolve))
  const training = new Promise<void>(resolve => {
    child.once('message', () => resolve())
    child.once('exit', () => resolve())
  })
  return { child, training, ended }
}

/** Not seeded: every run of the test kills at other moments. */
const within = (milliseconds: number) => new Promise(resolve => setTimeout(resolve, Math.random() * milliseconds))

test(
  `a run killed ${kills} times ends with the weights, slots and history of one that never was, bit for bit`,
  async () => {
    const whole = join(folder, 'whole')
    const began = performance.now()
    const alone = start(whole)
    await alone.training
    const startup = performance.now() - began
    expect(await alone.ended).toBe(0)
    const wanted = readFileSync(join(whole, 'result'), 'utf8')
    const files = ['history.jsonl', 'best.safetensors']

    let killed = 0
    let finished = 0
    for (let attempt = 0; killed < kills; attempt++) {
      const run = join(folder, `run${attempt}`)
      while (!existsSync(join(run, 'result')) && killed < kills) {
        const { child, training, ended } = start(run)
        // Some are killed while they start or load a checkpoint, most while they train and save.
        if (killed % 6 === 5) await within(startup)
        else await training.then(() => within(60))
        child.kill('SIGKILL')
        if ((await ended) === null) killed++
      }
      expect(await start(run).ended).toBe(0)
      expect(readFileSync(join(run, 'result'), 'utf8') === wanted, `after ${killed} kills`).toBe(true)
      for (const name of files) expect(readFileSync(join(run, name))).toEqual(readFileSync(join(whole, name)))
      // Nothing half written is left.
      expect(readdirSync(join(run, 'backup')).filter(name => !/^checkpoint-\d+\.safetensors$/.test(name))).toEqual([])
      finished++
      rmSync(run, { recursive: true })
    }
    if (process.env.KILLS !== undefined) process.stdout.write(`${killed} kills in ${finished} runs\n`)
    expect(finished).toBeGreaterThan(0)
  },
  120_000 + 15_000 * kills,
)
