import { type ChildProcess, fork } from 'node:child_process'
import { createInterface } from 'node:readline'
import { type Fleet, type Launcher, STORAGE_VARIABLE, workerArguments } from './launcher.js'

export interface LocalOptions {
  /** The command line's own script, run by this same Node, with its flags. */
  script: string
  /** A line that a worker wrote. */
  onLine?: (worker: number, line: string) => void
  /** Where the number of processes and their ids are of interest. */
  onStart?: (worker: number, pid: number) => void
}

/** What is said to a worker through the channel between the processes. */
export type WorkerOrder = 'stop' | 'giveUp'
/** What a worker says: a trial of its has ended. */
export type WorkerNews = 'trial'

/** Deaths one after the other, for each worker, with no trial made in between, after which no other one is started. */
const DEATHS = 5
/** Milliseconds that workers have to give up their trials. */
const PATIENCE = 4000

/**
 * Workers as processes of this machine. One that dies (by a signal: for lack of memory, or killed) is replaced; one that ends
 * with an error is not.
 */
export function local({ script, onLine, onStart }: LocalOptions): Launcher {
  return {
    name: 'local',
    plan: async request => [
      {
        name: 'processes',
        text: `${request.workers} × ${[process.execPath, ...process.execArgv, script, ...workerArguments(request)].join(' ')}\n`,
      },
    ],
    start: async request => {
      const children = new Map<number, ChildProcess>()
      const errors: string[] = []
      let [succeeded, failed, deaths] = [0, 0, 0]
      let stopping = false
      const start = (worker: number) => {
        const child = fork(script, workerArguments(request), {
          cwd: request.directory,
          env: { ...process.env, [STORAGE_VARIABLE]: request.storage },
          stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
        })
        children.set(worker, child)
        if (child.pid !== undefined) onStart?.(worker, child.pid)
        const tail: string[] = []
        for (const stream of [child.stdout!, child.stderr!])
          createInterface({ input: stream }).on('line', line => {
            if (stream === child.stderr && tail.push(line) > 20) tail.shift()
            onLine?.(worker, line)
          })
        child.on('message', news => {
          if (news === ('trial' satisfies WorkerNews)) deaths = 0
        })
        let ended = false
        const end = (code: number | null, reason: string) => {
          if (ended) return
          ended = true
          children.delete(worker)
          const died = code === null
          if (died && !stopping && ++deaths <= DEATHS * request.workers) start(worker)
          else if (code === 0 || (stopping && (died || code === 130))) succeeded++
          else {
            failed++
            errors.push([`worker ${worker}: ${reason}`, ...tail].join('\n'))
          }
        }
        child.once('error', error => end(1, error.message))
        child.once('close', (code, signal) => end(code, signal === null ? `exit code ${code}` : `ended by ${signal}`))
      }
      for (let worker = 1; worker <= request.workers; worker++) start(worker)
      const tell = (order: WorkerOrder) => {
        stopping = true
        for (const child of children.values()) if (child.connected) child.send(order, () => {})
      }
      const fleet: Fleet = {
        id: `${request.workers} processes`,
        state: async () => ({ pending: 0, running: children.size, succeeded, failed }),
        stop: async () => tell('stop'),
        kill: async () => {
          tell('giveUp')
          const end = performance.now() + PATIENCE
          while (children.size > 0 && performance.now() < end) await new Promise(resolve => setTimeout(resolve, 50))
          for (const child of children.values()) child.kill('SIGKILL')
        },
        logs: async () => errors.join('\n'),
      }
      return fleet
    },
  }
}
