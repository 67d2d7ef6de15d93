import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { callbacks, layers, optimizers, schedules, sequential, type Tensor, tensor } from '../src/index.js'

/** Training that is interrupted and started anew ends with exactly the weights of training that never was. */
export async function main({ epochs = 8, interruptAfter = 13 } = {}): Promise<{ equal: boolean; resumedAt: number }> {
  const n = 64
  const x = tensor(
    Float32Array.from({ length: 2 * n }, (_, i) => Math.sin(3 * i)),
    [n, 2],
  )
  const y = tensor(
    Float32Array.from({ length: n }, (_, i) => Math.sin(6 * i) * Math.sin(6 * i + 3)),
    [n, 1],
  )
  const make = () => {
    const model = sequential([
      layers.dense({ units: 16, activation: 'tanh', inputShape: [2] }),
      layers.dropout({ rate: 0.2 }),
      layers.dense({ units: 1 }),
    ])
    const learningRate = schedules.cosineDecay({ initial: 0.03, steps: 60 })
    model.compile({ optimizer: optimizers.adam({ learningRate }), loss: 'mse' })
    return model
  }
  const options = { epochs, batchSize: 8, verbose: 0 } as const

  const whole = make()
  await whole.fit(x, y, options)

  const backupDir = await mkdtemp(join(tmpdir(), 'resume-'))
  const backup = () => callbacks.backupAndRestore({ backupDir, saveFreq: 5 })
  const interrupt = new AbortController()
  const first = make()
  await first.fit(x, y, {
    ...options,
    signal: interrupt.signal,
    callbacks: [
      backup(),
      callbacks.lambdaCallback({ onTrainBatchEnd: () => void (first.step === interruptAfter && interrupt.abort()) }),
    ],
  })

  // The same program, started again: a new model, which goes on where the first one stopped.
  const second = make()
  let resumedAt = -1
  await second.fit(x, y, {
    ...options,
    callbacks: [
      backup(),
      callbacks.lambdaCallback({
        onEvent: event => {
          if (event.type === 'resumed') resumedAt = event.step
        },
      }),
    ],
  })
  await rm(backupDir, { recursive: true, force: true })
  return { equal: same(await second.weights(), await whole.weights()), resumedAt }
}

const same = (a: Record<string, Tensor>, b: Record<string, Tensor>): boolean =>
  Object.keys(a).every(path => a[path]!.data.every((value, i) => value === b[path]!.data[i]))

/** What the example claims. */
export const claim = (result: Awaited<ReturnType<typeof main>>): boolean => result.equal && result.resumedAt === 13
