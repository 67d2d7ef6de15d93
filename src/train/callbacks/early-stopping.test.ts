import { describe, expect, test } from 'vitest'
import { type Callback, callbacks, layers, sequential, type TrainEvent, tensor } from '../../index.js'
import type { EarlyStoppingOptions } from './early-stopping.js'

const x = tensor(new Float32Array(8).fill(1), [4, 2])
const y = tensor(new Float32Array(4), [4, 1])
const network = () => {
  const net = sequential([layers.dense({ units: 1, inputShape: [2] })])
  net.compile({ optimizer: 'sgd', loss: 'mse' })
  return net
}

/** Plays given logs to early stopping; how many epochs ran, and what was told. */
async function play(logs: Record<string, number[]>, options: EarlyStoppingOptions) {
  const stopper = callbacks.earlyStopping(options)
  const script: Callback = {
    onEpochEnd: (epoch, own) => {
      for (const [name, values] of Object.entries(logs)) own[name] = values[epoch]!
    },
  }
  const told: string[] = []
  const epochs = Object.values(logs)[0]!.length
  let ran = 0
  const events = network().train({ x, y }, { epochs, callbacks: [script, stopper], verbose: 0 })
  for await (const event of events as AsyncIterable<TrainEvent>) {
    if (event.type === 'epochEnd') ran++
    if (event.type === 'notice') told.push(event.text)
  }
  return { ran, stopped: stopper.stoppedEpoch(), best: stopper.bestEpoch(), told }
}

describe('early stopping', () => {
  test('stops when all of several monitors, or any of them, have stopped improving', async () => {
    const logs = { val_loss: [5, 6, 6, 6, 6, 6, 6], other: [5, 4, 3, 3, 3, 3, 3] }
    const options = { monitor: ['val_loss', 'other'], patience: 2 }
    expect(await play(logs, options)).toMatchObject({ ran: 5, best: 0 })
    expect(await play(logs, { ...options, when: 'any' })).toMatchObject({ ran: 3, best: 0 })
    expect(await play(logs, { ...options, monitor: ['other', 'val_loss'] })).toMatchObject({ ran: 5, best: 2 })
  })

  test('takes settings of its own for each of several monitors', async () => {
    const logs = { val_loss: [5, 4, 3, 2, 1, 1, 1], hits: [1, 2, 1, 1, 1, 1, 1] }
    const monitor = ['val_loss', { monitor: 'hits', mode: 'max' as const, patience: 3 }]
    expect(await play(logs, { monitor, when: 'any', patience: 9 })).toMatchObject({ ran: 5 })
    expect(
      await play(logs, { monitor: ['val_loss', { monitor: 'hits', patience: 3 }], when: 'any', patience: 9 }),
    ).toMatchObject({ ran: 4 })
  })

  test('watches the generalization gap, of the loss or of any other quantity', async () => {
    const logs = { loss: [4, 3, 2, 1, 1, 1], val_loss: [6, 4, 3, 3, 4, 5] }
    expect(await play(logs, { monitor: 'gap', patience: 1 })).toMatchObject({ ran: 3, best: 1 })
    expect(await play(logs, { monitor: { gap: 'loss' }, patience: 1 })).toMatchObject({ ran: 3, best: 1 })
    const accuracy = { acc: [0.5, 0.6, 0.9, 1, 1], val_acc: [0.2, 0.5, 0.7, 0.7, 0.7] }
    // −0.3, −0.1, −0.2, −0.3: the gap of an accuracy closes upwards.
    expect(await play(accuracy, { monitor: { gap: 'acc' }, patience: 2 })).toMatchObject({ ran: 4, best: 1 })
  })

  test('watches what a function makes of the logs', async () => {
    const logs = { a: [3, 2, 1, 0], b: [0, 2, 4, 6] }
    expect(await play(logs, { monitor: ({ a, b }) => a! + b!, patience: 1 })).toMatchObject({ ran: 2, best: 0 })
    expect(await play(logs, { monitor: ({ a, b }) => a! + b!, mode: 'max', patience: 1 })).toMatchObject({ ran: 4 })
  })

  test('NaN is never an improvement, not even the first', async () => {
    const nan = Number.NaN
    expect(await play({ val_loss: [nan, 3, 4, 5] }, { patience: 2 })).toMatchObject({ ran: 4, best: 1 })
    expect(await play({ val_loss: [nan, nan, nan] }, { patience: 1 })).toMatchObject({ ran: 2 })
  })

  test('tells why it stopped, when asked', async () => {
    const logs = { val_loss: [1, 2, 3] }
    expect((await play(logs, { patience: 1, verbose: 1 })).told).toEqual([
      'epoch 2: val_loss no longer improving, best at epoch 1',
    ])
    expect((await play(logs, { patience: 1 })).told).toEqual([])
  })

  test('an unknown monitor is an error that lists those that exist', async () => {
    const wrong = (monitor: EarlyStoppingOptions['monitor']) => play({ loss: [1], val_mae: [1] }, { monitor: monitor! })
    await expect(wrong('val_los')).rejects.toMatchObject({
      code: 'unknown-monitor',
      where: 'callbacks.earlyStopping.monitor',
      expected: 'one of loss, val_mae',
      received: 'val_los',
    })
    await expect(wrong({ gap: 'mae' })).rejects.toMatchObject({ received: 'mae' })
    await expect(wrong(['loss', 'gap'])).rejects.toMatchObject({ received: 'val_loss' })
    await expect(wrong(logs => logs.nothing!)).rejects.toMatchObject({
      code: 'bad-monitor',
      expected: expect.stringContaining('loss, val_mae'),
    })
  })

  test('refuses bad options, all at once', () => {
    expect(() => callbacks.earlyStopping({ patience: -1, minDelta: 'a', mod: 'min' } as object)).toThrow(
      expect.objectContaining({ code: 'bad-options', problems: expect.objectContaining({ length: 3 }) }),
    )
    for (const options of [
      { monitor: 3 },
      { monitor: [] },
      { monitor: [{ monitor: 'a', patienc: 1 }] },
      { when: 'some' },
    ])
      expect(() => callbacks.earlyStopping(options as object), JSON.stringify(options)).toThrow(
        /callbacks.earlyStopping/,
      )
  })
})
