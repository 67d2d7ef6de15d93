// A small experiment for tests of the command line: the distance from a point, with a pause that PAUSE sets (ms).
export const options = { direction: 'minimize', sampler: { name: 'random', seed: 1 }, trials: 12 }

export async function objective(trial) {
  const x = trial.suggestFloat('x', -5, 5)
  const y = trial.suggestFloat('y', -5, 5)
  await trial.report(x * x, 0)
  await new Promise(resolve => setTimeout(resolve, Number(process.env.PAUSE ?? 2)))
  if (process.env.BROKEN) throw new Error('out of order')
  return x * x + y * y
}
