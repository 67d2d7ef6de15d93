/**
 * Whether `step` is the first that was reported in its interval: intervals begin at `warmup` and every `interval` steps
 * from there. A check that fell on a step without a report is made up for at the next report.
 */
export function firstInInterval(step: number, steps: Iterable<number>, warmup: number, interval: number): boolean {
  const begin = Math.floor((step - warmup) / interval) * interval + warmup
  let before = -1
  for (const other of steps) if (other > before && other !== step) before = other
  return before < begin
}
