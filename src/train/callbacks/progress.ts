import { ConfigError } from '../../ir/index.js'
import type { Logs } from '../accumulate.js'
import type { Callback } from '../callback.js'

/** Where progress is written: `process.stdout`, or anything like it. */
export interface ProgressStream {
  write(text: string): unknown
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
}

const seconds = (s: number): string =>
  s < 60
    ? `${Math.round(s)}s`
    : s < 3600
      ? `${Math.floor(s / 60)}m${`${Math.round(s % 60)}`.padStart(2, '0')}s`
      : `${Math.floor(s / 3600)}h${`${Math.floor((s % 3600) / 60)}`.padStart(2, '0')}m`
/** A number in four significant digits. */
export const short = (x: number): string =>
  x !== 0 && (Math.abs(x) < 1e-3 || Math.abs(x) >= 1e5) ? x.toExponential(3) : x.toFixed(4)
function standardOutput(): ProgressStream {
  if (typeof process !== 'undefined') return process.stdout
  throw new ConfigError({
    code: 'missing-option',
    where: 'callbacks.progress.stream',
    expected: 'a stream',
    received: 'none',
  })
}
const line = (logs: Logs): string =>
  Object.entries(logs)
    .map(([name, value]) => `${name}: ${short(value)}`)
    .join(' - ')

/**
 * A bar with loss, metrics and time left on a terminal; one plain line per epoch elsewhere. Warnings and notices get
 * lines of their own. `fit` adds it by itself unless told `verbose: 0`. Default stream: standard output.
 */
export function progress({ stream = standardOutput() }: { stream?: ProgressStream } = {}): Callback {
  const live = stream.isTTY === true
  let epochs = 0
  let steps: number | undefined
  let began = 0
  let drawn = 0
  const draw = (text: string, end = ''): void => {
    const width = stream.columns ?? 100
    stream.write(`\r${text.length > width - 1 ? text.slice(0, width - 1) : text}\x1b[K${end}`)
  }
  return {
    name: 'progress',
    onEvent: event => {
      if (event.type === 'trainBegin') {
        epochs = event.epochs
        steps = event.stepsPerEpoch
      } else if (event.type === 'epochBegin') {
        began = performance.now()
        drawn = 0
        if (live) stream.write(`Epoch ${event.epoch + 1}/${epochs}\n`)
      } else if (event.type === 'batchEnd' && live) {
        const now = performance.now()
        if (now - drawn < 80) return
        drawn = now
        const done = event.batch + 1
        const each = (now - began) / 1000 / done
        if (steps === undefined) draw(`${done} steps ${seconds(each * done)} - ${line(event.logs)}`)
        else {
          const filled = Math.round((done / steps) * 20)
          draw(
            `${`${done}`.padStart(`${steps}`.length)}/${steps} ${'━'.repeat(filled)}${'─'.repeat(20 - filled)} ${seconds(each * (steps - done))} left - ${line(event.logs)}`,
          )
        }
      } else if (event.type === 'epochEnd') {
        const text = `${seconds(event.seconds)} - ${line(event.logs)}`
        if (live) draw(`${steps ?? ''}${steps === undefined ? '' : ` ${'━'.repeat(20)} `}${text}`, '\n')
        else stream.write(`epoch ${event.epoch + 1}/${epochs} - ${text}\n`)
      } else if (event.type === 'notice') {
        const warning = event.level === 'warning' ? 'warning: ' : ''
        stream.write(`${live ? '\r\x1b[K' : ''}${warning}${event.from}: ${event.text}\n`)
      } else if (event.type === 'resumed') {
        const batches = event.batch > 0 ? `, ${event.batch} batches of it done` : ''
        stream.write(`resumed at epoch ${event.epoch + 1}/${epochs}${batches}, from ${event.path}\n`)
        began = performance.now()
      } else if (event.type === 'trainEnd' && event.reason !== 'completed')
        stream.write(
          `${live ? '\n' : ''}training ${event.reason} after ${event.epochs} epochs; what was learned is kept\n`,
        )
    },
  }
}
