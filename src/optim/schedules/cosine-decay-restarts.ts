import { z } from 'zod'
import { defineSchedule } from './define.js'
import { fraction, rate, steps } from './options.js'

const options = z.strictObject({
  /** Rate at step 0; in short `initial`. */
  initialLearningRate: rate(),
  /** Updates of the first period; in short `steps`. */
  firstDecaySteps: steps(),
  /** Each period is so many times as long as the one before, ≥ 1; default 2. */
  tMul: z.number({ error: 'a number ≥ 1' }).min(1, { error: 'a number ≥ 1' }).default(2),
  /** Each period starts from so many times the rate of the one before, ≥ 0; default 1. */
  mMul: rate().default(1),
  /** Smallest rate as a share of the initial one, 0 to 1; default 0. */
  alpha: fraction().default(0),
})

/**
 * Cosine decay that begins again after firstDecaySteps, then after tMul times as many, …, as Keras's
 * CosineDecayRestarts (SGDR, Loshchilov & Hutter 2017): initial · ((1 − alpha) · mMul^period · (1 + cos(π · part)) / 2 +
 * alpha). The first step of a period has its full rate. PyTorch's CosineAnnealingWarmRestarts is mMul 1 with eta_min =
 * alpha · initial. It never ends.
 */
export const cosineDecayRestarts = defineSchedule('cosineDecayRestarts', {
  options,
  short: { initial: 'initialLearningRate', steps: 'firstDecaySteps' },
  rate: o => step => {
    const { period, part } = periodOf(step / o.firstDecaySteps, o.tMul)
    const cosine = (o.mMul ** period * (1 + Math.cos(Math.PI * part))) / 2
    return o.initialLearningRate * ((1 - o.alpha) * cosine + o.alpha)
  },
})

/** Which period a time (in first periods) lies in, and how much of that is over. */
function periodOf(time: number, tMul: number): { period: number; part: number } {
  const begin = (period: number) => (tMul === 1 ? period : (tMul ** period - 1) / (tMul - 1))
  const partOf = (period: number) => (time - begin(period)) / tMul ** period
  let period = tMul === 1 ? Math.floor(time) : Math.floor(Math.log1p(time * (tMul - 1)) / Math.log(tMul))
  // Logarithms of whole powers may come out a hair too small: a period that is all but over is over.
  if (partOf(period) < 0) period--
  if (partOf(period) > 1 - 1e-11) period++
  return { period, part: Math.max(partOf(period), 0) }
}
