import { z } from 'zod'
import type { Schedule } from './schedule.js'

/** Kinds of options that schedules share. */

const number = (expected: string) => z.number({ error: expected })

/** A learning rate. */
export const rate = () => number('a finite number ≥ 0').nonnegative({ error: 'a finite number ≥ 0' })
/** How many updates something lasts. */
export const steps = () => number('a number of updates above 0').positive({ error: 'a number of updates above 0' })
/** How many updates something lasts that may be left out. */
export const stepsOrNone = () => number('a number of updates ≥ 0').nonnegative({ error: 'a number of updates ≥ 0' })
export const positive = () => number('a finite number above 0').positive({ error: 'a finite number above 0' })
export const fraction = () =>
  number('a number from 0 to 1').min(0, { error: 'a number from 0 to 1' }).max(1, { error: 'a number from 0 to 1' })

/** A schedule inside another. */
export const schedule = () =>
  z.custom<Schedule>(
    given => typeof given === 'function' || (typeof given === 'number' && Number.isFinite(given) && given >= 0),
    { error: 'a schedule, or a finite number ≥ 0' },
  )

/** Numbers of updates that grow. */
export const boundaries = () =>
  z
    .array(number('numbers of updates ≥ 0').nonnegative({ error: 'numbers of updates ≥ 0' }), {
      error: 'a list of numbers of updates',
    })
    .refine(list => list.every((at, i) => i === 0 || at > list[i - 1]!), { error: 'numbers that grow' })
