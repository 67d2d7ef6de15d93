import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Asks, Problem } from '../problems.js'

/** Optuna in a process of its own, which chooses parameters while objectives are evaluated here. */
export interface Optuna {
  /** The best value of a study. */
  best(problem: Problem, sampler: string, seed: number): Promise<number>
  end(): void
}

/** Null where there is no Python with it. */
export function optuna(): Optuna | null {
  const python = process.env.ANNEAL_BENCH_PYTHON ?? fileURLToPath(new URL('../.venv/bin/python', import.meta.url))
  if (!existsSync(python)) return null
  const script = fileURLToPath(new URL('optuna_samplers.py', import.meta.url))
  const env = { ...process.env, OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1' }
  const peer = spawn(python, [script], { env, stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: peer.stdout })[Symbol.asyncIterator]()
  const say = (message: object): void => void peer.stdin.write(`${JSON.stringify(message)}\n`)
  const hear = async <T>(): Promise<T> => {
    const { value, done } = await lines.next()
    if (done) throw new Error('Optuna has ended')
    return JSON.parse(value) as T
  }
  const suggest = async <T>(kind: string, name: string, args: object): Promise<T> => {
    say({ suggest: kind, name, args })
    return (await hear<{ chosen: T }>()).chosen
  }
  const asks: Asks = {
    suggestFloat: (name, low, high, options) => suggest('float', name, { low, high, ...options }),
    suggestInt: (name, low, high, options) => suggest('int', name, { low, high, ...options }),
    suggestCategorical: (name, choices) => suggest('categorical', name, { choices }),
  }
  return {
    async best({ objective, trials, grid }, sampler, seed) {
      say({ sampler, seed, trials, grid })
      for (;;) {
        const message = await hear<{ trial: number } | { best: number }>()
        if ('best' in message) return message.best
        say({ value: await objective(asks) })
      }
    },
    end: () => void peer.stdin.end(),
  }
}
