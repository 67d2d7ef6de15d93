import { describe, expect, test } from 'vitest'
import { counterRandom, tensor } from '../ir/index.js'
import * as layers from '../nn/layers/index.js'
import type { Optimizer } from '../optim/index.js'
import * as optimizers from '../optim/index.js'
import { type Callback, hooks } from '../train/callback.js'
import { type FitOptions, type History, type Model, sequential } from '../train/index.js'

export interface CallbackSuiteOptions {
  /** More for `fit`; validation data are given already. */
  fit?: Omit<FitOptions, 'callbacks'>
  /** Of the regression; default Adam. */
  optimizer?: () => Optimizer
  /** Parts of the contract that do not hold, each with the reason. */
  skip?: readonly { readonly reason: string; readonly tests: readonly string[] }[]
}

const random = counterRandom(3)
const examples = 30
const x = tensor(
  Float32Array.from({ length: examples * 3 }, (_, i) => random.normal(i)),
  [examples, 3],
)
const y = tensor(
  Float32Array.from({ length: examples }, (_, i) => Number(x.data[3 * i]) ** 2 + random.normal(500 + i)),
  [examples, 1],
)

function regression(optimizer: Optimizer): Model {
  const net = sequential([
    layers.dense({ units: 6, activation: 'tanh', inputShape: [3] }),
    layers.dropout({ rate: 0.2 }),
    layers.dense({ units: 1 }),
  ])
  net.compile({ optimizer, loss: 'mse', metrics: ['mae'] })
  return net
}

/** All that a run leaves. */
const left = async (net: Model, { history, epoch }: History) => ({
  history,
  epoch,
  step: net.step,
  weights: await net.weights(),
  slots: await net.slots(),
})

/** Takes a checkpoint of the run after so many batches and ends it there. */
function interrupter(after: number, abort: AbortController): Callback & { bytes(): Uint8Array } {
  let bytes: Uint8Array | undefined
  let seen = 0
  let run: Parameters<NonNullable<Callback['setParams']>>[0]['run']
  return {
    name: 'interrupter',
    setParams: params => {
      run = params.run
    },
    onTrainBatchEnd: () => {
      if (++seen !== after) return
      run!.afterwards(async () => {
        bytes = await run!.checkpoint()
        abort.abort()
      })
    },
    bytes: () => bytes!,
  }
}

/** Goes on from a checkpoint. */
function resumer(bytes: Uint8Array): Callback {
  let run: Parameters<NonNullable<Callback['setParams']>>[0]['run']
  return {
    name: 'interrupter',
    setParams: params => {
      run = params.run
    },
    onTrainBegin: () => run!.afterwards(() => run!.resume(bytes, 'checkpoint')),
  }
}

/**
 * The contract of a callback, as tests. `make` makes it anew each time; it runs beside a small regression with `loss`,
 * `mae`, `val_loss` and `val_mae` in its logs, of 6 epochs of 4 batches.
 */
export function testCallback(
  make: () => Callback,
  { fit = {}, optimizer = () => optimizers.adam({ learningRate: 0.05 }), skip = [] }: CallbackSuiteOptions = {},
): void {
  const check = (name: string, run: () => Promise<void>) => {
    const exception = skip.find(entry => entry.tests.includes(name))
    if (exception !== undefined) test.skip(`${name} (${exception.reason})`, run)
    else test(name, run)
  }
  const options = { epochs: 6, batchSize: 6, validationSplit: 0.2, verbose: 0 as const, ...fit }
  const train = async (callbacks: Callback[], more: FitOptions = {}) => {
    const net = regression(optimizer())
    return left(net, await net.fit(x, y, { ...options, ...more, callbacks }))
  }

  describe(`${make().name ?? 'a callback'} keeps the contract of a callback`, () => {
    check('has no hook that is never called, and a name if it remembers anything', async () => {
      const callback = make()
      for (const name of Object.keys(callback).filter(name => /^on[A-Z]/.test(name)))
        expect(hooks as readonly string[]).toContain(name)
      expect(callback.state === undefined).toBe(callback.restore === undefined)
      if (callback.state !== undefined) expect(callback.name).toMatch(/./)
    })

    check('runs beside fit, evaluate and predict', async () => {
      const net = regression(optimizer())
      await net.fit(x, y, { ...options, callbacks: make() })
      await net.evaluate(x, y, { callbacks: make() })
      await net.predict(x, { callbacks: make() })
    })

    check('does the same in the same run', async () => {
      expect(await train([make()])).toEqual(await train([make()]))
    })

    check('does the same when it is used again', async () => {
      const callback = make()
      const first = await train([callback])
      expect(await train([callback])).toEqual(first)
    })

    check('does not disturb another of its kind', async () => {
      const alone = await train([make()])
      const [one, other] = await Promise.all([train([make()]), train([make()])])
      expect([one, other]).toEqual([alone, alone])
    })

    check('goes on from a checkpoint at any batch as if nothing had been in between', async () => {
      const whole = await train([make()])
      for (const after of [1, 4, 7, 12, 18]) {
        const abort = new AbortController()
        const stop = interrupter(after, abort)
        await train([make(), stop], { signal: abort.signal })
        // A run that its callback ended before that batch is whole.
        if (stop.bytes() === undefined) continue
        const resumed = await train([make(), resumer(stop.bytes())])
        expect(resumed, `interrupted after ${after} batches`).toEqual(whole)
      }
    })
  })
}
