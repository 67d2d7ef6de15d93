import { RuntimeError } from '../ir/index.js'
import type { Experiment } from './experiment/load.js'
import type { FleetState, Launcher, LaunchRequest } from './launch/launcher.js'
import { progressOf, type TuneProgress } from './progress.js'
import { openExperiment } from './worker.js'

export interface RunOptions {
  readonly launcher: Launcher
  readonly request: Omit<LaunchRequest, 'study' | 'storage' | 'workers'>
  /** Ends the workers when the trials that run have ended. */
  readonly signal?: AbortSignal
  /** Ends them now. */
  readonly kill?: AbortSignal
  /** Told now and then, and at the end. */
  readonly onProgress?: (progress: TuneProgress, workers: FleetState) => void
  /** Seconds between looks; default 0.5. */
  readonly interval?: number
  /** Leave the workers to themselves once they have been started. */
  readonly detach?: boolean
}

export interface RunResult {
  readonly progress: TuneProgress
  /** What they are known by where they run. */
  readonly fleet: string
  readonly reason: 'done' | 'interrupted' | 'detached'
  /** Of workers that failed while others did not: how many, and what they wrote. */
  readonly failed: { readonly count: number; readonly logs: string } | null
}

/**
 * Has an experiment's study worked on: makes it or goes on with it, starts workers, and looks on until they have ended.
 * @throws RuntimeError `workers-failed` with what they wrote, where all of them failed
 */
export async function runExperiment(experiment: Experiment, options: RunOptions): Promise<RunResult> {
  const { launcher, signal, kill, interval = 0.5 } = options
  const study = await openExperiment(experiment, { setTotal: true })
  const since = Date.now()
  const deadline = experiment.timeout === null ? null : since + experiment.timeout * 1000
  const look = async () => progressOf(await study.storage.snapshot(study.id), { since, deadline })
  try {
    const fleet = await launcher.start({
      ...options.request,
      study: experiment.name,
      storage: experiment.storage,
      workers: experiment.workers,
    })
    if (options.detach === true) return { progress: await look(), fleet: fleet.id, reason: 'detached', failed: null }
    const orders: Promise<void>[] = []
    // An order that cannot be given is told of at the end.
    const onAbort = (of: AbortSignal | undefined, order: () => Promise<void>) => {
      const give = () => {
        const given = order()
        given.catch(() => {})
        orders.push(given)
      }
      if (of?.aborted) give()
      else of?.addEventListener('abort', give, { once: true })
    }
    onAbort(signal, fleet.stop)
    onAbort(kill, fleet.kill)
    for (;;) {
      // The state first: what has ended by then is in the snapshot.
      const workers = await fleet.state()
      const { pending, running, succeeded, failed } = workers
      const progress = await look()
      options.onProgress?.(progress, workers)
      if (pending + running === 0) {
        await Promise.all(orders)
        if (failed > 0 && succeeded === 0 && signal?.aborted !== true)
          throw new RuntimeError({
            code: 'workers-failed',
            where: `study ${experiment.name}`,
            expected: 'workers that end well',
            received: `${failed} that failed`,
            hint: `they wrote:\n${await fleet.logs()}`,
          })
        return {
          progress,
          fleet: fleet.id,
          reason: signal?.aborted || kill?.aborted ? 'interrupted' : 'done',
          failed: failed === 0 ? null : { count: failed, logs: await fleet.logs() },
        }
      }
      await new Promise(resolve => setTimeout(resolve, interval * 1000))
    }
  } finally {
    await study.storage.close()
  }
}
