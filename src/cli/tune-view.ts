import { sparkline } from '../report/text.js'
import type { ProgressStream } from '../train/callbacks/progress.js'
import type { FrozenTrial } from '../tune/frozen-trial.js'
import type { FleetState } from '../tune/launch/index.js'
import type { TuneProgress } from '../tune/progress.js'

/** A number as it is shown: five digits that count. */
export const shown = (x: number): string => (Number.isFinite(x) ? `${Number(x.toPrecision(5))}` : `${x}`)

export const duration = (seconds: number): string => {
  const s = Math.round(seconds)
  if (s < 60) return `${s}s`
  if (s < 3600) return `${Math.floor(s / 60)}m${`${s % 60}`.padStart(2, '0')}s`
  return `${Math.floor(s / 3600)}h${`${Math.floor((s % 3600) / 60)}`.padStart(2, '0')}m`
}

export const paramsText = (trial: FrozenTrial): string =>
  Object.entries(trial.params)
    .map(([name, value]) => `${name}=${typeof value === 'number' ? shown(value) : value}`)
    .join(' ')

const speed = ({ perSecond }: TuneProgress): string =>
  perSecond === null
    ? ''
    : perSecond >= 1
      ? `${perSecond.toFixed(1)} trials/s`
      : `${(60 * perSecond).toFixed(1)} trials/min`

const left = ({ secondsLeft }: TuneProgress): string => (secondsLeft === null ? '' : `${duration(secondsLeft)} left`)

const bestText = ({ best, front, directions }: TuneProgress): string =>
  best !== null
    ? `best ${shown(best.values![0]!)} (trial ${best.number})`
    : directions.length > 1
      ? `${front.length} on the Pareto front`
      : 'no complete trial yet'

const statesText = ({ states, repeats }: TuneProgress): string =>
  [
    `${states.RUNNING} running`,
    `${states.COMPLETE} complete`,
    ...(states.PRUNED > 0 ? [`${states.PRUNED} pruned`] : []),
    ...(states.FAIL > 0 ? [`${states.FAIL} failed`] : []),
    ...(states.WAITING > 0 ? [`${states.WAITING} in line`] : []),
    ...(repeats > 0 ? [`${repeats} tried again`] : []),
  ].join(', ')

const joined = (...parts: readonly string[]): string => parts.filter(Boolean).join('  ')

/** Workers, where some of them are not at work: they wait for a place, or have failed. */
const workersText = (workers: FleetState | undefined): string =>
  workers === undefined || workers.pending + workers.failed === 0
    ? ''
    : [
        `${workers.running} at work`,
        ...(workers.pending > 0 ? [`${workers.pending} waiting for a place`] : []),
        ...(workers.failed > 0 ? [`${workers.failed} failed`] : []),
      ].join(', ')

/** A study's progress as the lines of a live table. */
export function progressLines(progress: TuneProgress, width: number, workers?: FleetState): readonly string[] {
  const { total, done, best, bestSoFar } = progress
  const filled = total === null ? 0 : Math.min(20, Math.round((20 * done) / total))
  const bar = total === null ? '' : `${'━'.repeat(filled)}${'─'.repeat(20 - filled)}`
  const lines = [
    joined(`${done}${total === null ? '' : `/${total}`}`, bar, speed(progress), left(progress)),
    `trials  ${statesText(progress)}`,
    `best    ${bestText(progress).replace(/^best /, '')}${bestSoFar.length > 1 ? `  ${sparkline(bestSoFar, 24)}` : ''}`,
    ...(best === null ? [] : [`        ${paramsText(best)}`]),
    ...(workersText(workers) === '' ? [] : [`workers ${workersText(workers)}`]),
  ]
  return lines.map(line => (line.length > width - 1 ? `${line.slice(0, width - 2)}…` : line))
}

/** The same in one line, for a log. */
export const progressLine = (progress: TuneProgress, workers?: FleetState): string =>
  joined(
    `${progress.done}${progress.total === null ? '' : `/${progress.total}`}`,
    bestText(progress),
    statesText(progress),
    speed(progress),
    left(progress),
    workersText(workers) === '' ? '' : `workers: ${workersText(workers)}`,
  )

export interface TuneView {
  update(progress: TuneProgress, workers?: FleetState): void
  /** A line that stays, above the table. */
  line(text: string): void
  end(progress: TuneProgress): void
}

/** Seconds between lines where nothing is drawn live and there is no better value to tell of. */
const PLAIN = 10

/** Draws on a terminal, in place; writes a line now and then elsewhere. */
export function tuneView(stream: ProgressStream): TuneView {
  const live = stream.isTTY === true
  let drawn = 0
  const erase = (): string => (drawn === 0 ? '' : `\x1b[${drawn}A\r\x1b[J`)
  let last: readonly string[] = []
  let told = 0
  let best: number | null = null
  let begun = false
  const draw = (lines: readonly string[], above = '') => {
    stream.write(`${erase()}${above}${lines.map(line => `${line}\n`).join('')}`)
    drawn = lines.length
    last = lines
  }
  return {
    update: (progress, workers) => {
      if (live) return draw(progressLines(progress, stream.columns || 100, workers))
      const now = performance.now()
      const number = progress.best?.number ?? null
      const begins = !begun && progress.states.RUNNING > 0
      if (number === best && !begins && now - told < PLAIN * 1000) return
      best = number
      begun ||= begins
      told = now
      stream.write(`${progressLine(progress, workers)}\n`)
    },
    line: text => {
      if (live) draw(last, `${text}\n`)
      else stream.write(`${text}\n`)
    },
    end: progress => {
      if (live) {
        draw(progressLines(progress, stream.columns || 100))
        // What comes after is written below it.
        drawn = 0
        last = []
      } else stream.write(`${progressLine(progress)}\n`)
    },
  }
}
