import { readFileSync } from 'node:fs'
import { cpus, loadavg, totalmem } from 'node:os'
import type { Scenario } from './scenarios.js'

/** One training step, again and again, on a peer that is set up. */
export interface Run {
  /** Trains on the next batch. Returns milliseconds when the peer keeps the time itself (another process). */
  step(): Promise<number | undefined> | number | undefined
  /** The loss of the last step, before its update. */
  loss(): Promise<number> | number
  dispose(): Promise<void> | void
  /** What a reader should know about these figures: a version, a limit. */
  readonly note?: string | undefined
}

/** Why a peer cannot take part, and what to do about it. */
export interface Skip {
  readonly skip: string
}

export interface Peer {
  readonly name: string
  setup(scenario: Scenario, threads: number): Promise<Run | Skip>
}

export interface Row {
  readonly name: string
  /** Milliseconds of every step measured; none when skipped. */
  readonly times: readonly number[]
  /** Losses of the first steps from equal weights on equal data. */
  readonly losses: readonly number[]
  readonly note: string
}

export interface MeasureOptions {
  /** Seconds of measuring per peer. */
  readonly seconds?: number
  /** Wait before each turn, 2 s at most, until nothing else wants a processor. For shared machines; Linux only. */
  readonly quiet?: boolean
}

/** Losses are compared after this many steps, which are also the warm-up. */
const COMPARED = 5
/** A peer slower than this, in ms, makes two steps: both are compared, the second is its time. */
const SLOW = 1500
const BURST_MS = 60

/**
 * Runs the peers in turn (A B C A B C …), so that a busy moment of the machine meets them all.
 * A turn is a short burst of steps; its first one, which finds another peer's data in the caches, does not count.
 */
export async function measure(
  peers: readonly Peer[],
  scenario: Scenario,
  threads: number,
  { seconds = 4, quiet = false }: MeasureOptions = {},
): Promise<Row[]> {
  const rows: { name: string; run: Run | null; times: number[]; losses: number[]; note: string; pace: number }[] = []
  for (const { name, setup } of peers) {
    const result = await setup(scenario, threads).catch(failed)
    const row = { name, run: null as Run | null, times: [] as number[], losses: [] as number[], note: '', pace: 0 }
    rows.push(row)
    if ('skip' in result) row.note = result.skip
    else
      try {
        row.run = result
        row.note = result.note ?? ''
        for (let i = 0; i < COMPARED && !(i >= 2 && row.pace > SLOW); i++) {
          row.pace = await timed(result)
          row.losses.push(await result.loss())
          if (i === 1 && row.pace > SLOW) row.times.push(row.pace)
        }
      } catch (error) {
        row.run = null
        row.note = failed(error).skip
        await result.dispose()
      }
  }
  const spent = new Map(rows.map(row => [row, 0]))
  for (let active = rows; active.length > 0; ) {
    active = active.filter(
      row => row.run !== null && row.pace <= SLOW && spent.get(row)! < seconds * 1000 && row.times.length < 400,
    )
    for (const row of active) {
      if (quiet) await quietMoment()
      const burst = Math.max(1, Math.min(20, Math.round(BURST_MS / row.pace)))
      if (burst > 1) await timed(row.run!)
      for (let i = 0; i < burst; i++) {
        const ms = await timed(row.run!)
        row.times.push(ms)
        spent.set(row, spent.get(row)! + ms)
      }
    }
  }
  for (const row of rows) await row.run?.dispose()
  return rows.map(({ name, times, losses, note }) => ({ name, times, losses, note }))
}

async function timed(run: Run): Promise<number> {
  const start = performance.now()
  const own = await run.step()
  return own ?? performance.now() - start
}

async function quietMoment(): Promise<void> {
  const end = performance.now() + 2000
  const running = () => Number(readFileSync('/proc/loadavg', 'utf8').split(' ')[3]!.split('/')[0])
  while (running() > 1 && performance.now() < end) await new Promise(resolve => setTimeout(resolve, 5))
}

const failed = (error: unknown): Skip => ({
  skip: `fails: ${(error instanceof Error ? error.message : String(error)).split('\n')[0]!.slice(0, 160)}`,
})

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b)
  const half = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2
}

export const minimum = (values: readonly number[]): number => values.reduce((a, b) => Math.min(a, b), Infinity)

/**
 * The rows as text, ratios against the first row that ran.
 * A peer whose losses are not those of the first row (0.1 %) computes something else: its ratio is not shown.
 */
export function table(rows: readonly Row[]): string {
  const base = rows.find(row => row.times.length > 0)
  const lines = [['peer', 'median ms', 'min ms', 'ratio', 'ratio of mins', 'steps', 'loss', '']]
  for (const row of rows) {
    if (row.times.length === 0 || base === undefined) {
      lines.push([row.name, '–', '–', '–', '–', '–', '–', row.note])
      continue
    }
    const same = agree(row.losses, base.losses)
    const ratio = (f: typeof median) => (same ? (f(row.times) / f(base.times)).toFixed(2) : '≠')
    const note = same ? row.note : `computes something else (losses ${row.losses.map(l => l.toFixed(4)).join(' ')})`
    const loss = `${row.losses.at(-1)!.toFixed(5)} after ${row.losses.length}`
    const times = [median(row.times).toFixed(2), minimum(row.times).toFixed(2)]
    lines.push([row.name, ...times, ratio(median), ratio(minimum), String(row.times.length), loss, note])
  }
  return columns(lines)
}

function agree(a: readonly number[], b: readonly number[]): boolean {
  const n = Math.min(a.length, b.length)
  return n > 0 && a.slice(0, n).every((loss, i) => Math.abs(loss - b[i]!) <= 1e-3 * Math.abs(b[i]!))
}

/** Lines of cells, aligned: the first and last column to the left, the others to the right. */
export function columns(lines: readonly (readonly string[])[]): string {
  const width = lines[0]!.map((_, i) => Math.max(...lines.map(line => line[i]!.length)))
  const cell = (text: string, i: number) =>
    i === 0 || i === width.length - 1 ? text.padEnd(width[i]!) : text.padStart(width[i]!)
  return lines.map(line => line.map(cell).join('  ').trimEnd()).join('\n')
}

/** What the figures were measured on. */
export function machine(): string {
  const processors = cpus()
  const ort = JSON.parse(
    readFileSync(new URL('../node_modules/onnxruntime-node/package.json', import.meta.url), 'utf8'),
  ) as { version: string }
  return [
    `${processors[0]?.model.trim() ?? process.arch}, ${processors.length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB`,
    `load ${loadavg()[0]!.toFixed(1)} before`,
    `${process.platform}, Node ${process.version}, ONNX Runtime ${ort.version}`,
  ].join(' · ')
}
