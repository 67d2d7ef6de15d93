import { z } from 'zod'
import { ConfigError, nearest } from '../../ir/index.js'
import type { Logs } from '../accumulate.js'

/**
 * What a callback watches: a name in the logs; `'gap'`, the generalization gap val_loss − loss, or `{ gap: 'accuracy' }`,
 * that of any other quantity (val_x − x); or a function of the logs.
 */
export type Monitor = string | { readonly gap: string } | ((logs: Logs) => number)

/** Which way a quantity improves; `auto` decides by name. */
export type Mode = 'auto' | 'min' | 'max'

export const monitorSchema = z.custom<Monitor>(
  given =>
    typeof given === 'function' ||
    (typeof given === 'string' && given !== '') ||
    (typeof given === 'object' && given !== null && typeof (given as { gap?: unknown }).gap === 'string'),
  "a name in the logs, 'gap', { gap: name } or a function of the logs",
)
export const modeSchema = z.enum(['auto', 'min', 'max'])

const rising =
  /acc|auc|precision|recall|f1|f_?beta|r2|iou|similarity|correlation|top_?k|true_?positives|true_?negatives|sensitivity|specificity/i

/** `auto` takes `max` for accuracies, AUC, precision, recall, F1, R², IoU and similarities; `min` for all else. */
export const directionOf = (monitor: string, mode: Mode = 'auto'): 'min' | 'max' =>
  mode !== 'auto' ? mode : !/loss$/i.test(monitor) && rising.test(monitor) ? 'max' : 'min'

export interface Watch {
  /** For messages. */
  readonly name: string
  /** The value in an epoch's logs. @throws ConfigError that lists what there is */
  value(logs: Logs): number
  /** Whether a value is better than another by more than `minDelta`; anything but NaN is better than none. */
  better(value: number, than: number | null): boolean
}

/** Reads a monitor for a callback whose option is `where`. */
export function watch(monitor: Monitor, mode: Mode, minDelta: number, where: string): Watch {
  const gap = typeof monitor === 'object' ? monitor.gap : 'loss'
  const isGap = typeof monitor === 'object'
  const name = typeof monitor === 'string' ? monitor : isGap ? `${gap}_gap` : monitor.name || 'monitor'
  // The gap of an accuracy is below zero: it improves upwards, as the accuracy does.
  const sign = directionOf(isGap ? gap : name, mode) === 'min' ? 1 : -1
  const pick = (logs: Logs, key: string): number => {
    if (Object.hasOwn(logs, key)) return logs[key]!
    throw new ConfigError({
      code: 'unknown-monitor',
      where,
      expected: `one of ${Object.keys(logs).join(', ')}`,
      received: key,
      hint: hintFor(key, logs),
    })
  }
  return {
    name,
    value: logs => {
      if (isGap || (monitor === 'gap' && !Object.hasOwn(logs, 'gap'))) return pick(logs, `val_${gap}`) - pick(logs, gap)
      if (typeof monitor === 'string') return pick(logs, monitor)
      const value: unknown = (monitor as (logs: Logs) => unknown)({ ...logs })
      if (typeof value === 'number') return value
      throw new ConfigError({
        code: 'bad-monitor',
        where,
        expected: `a number, from logs with ${Object.keys(logs).join(', ')}`,
        received: value === undefined ? 'undefined' : value,
        hint: 'return a number from the function, say logs => logs.val_loss - logs.loss',
      })
    },
    better: (value, than) =>
      !Number.isNaN(value) && (than === null || sign * (value + sign * Math.abs(minDelta) - than) < 0),
  }
}

const hintFor = (key: string, logs: Logs): string =>
  key.startsWith('val_') && !Object.keys(logs).some(name => name.startsWith('val_'))
    ? 'give fit validationData or validationSplit'
    : `did you mean ${nearest(key, Object.keys(logs), 1)[0] ?? 'a metric given to compile'}?`
