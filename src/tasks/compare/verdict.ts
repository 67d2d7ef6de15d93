import type { ComparisonKind, Run, Spread, Variant, Verdict } from './record.js'
import { differenceOf, spreadOf } from './spread.js'

const points = (share: number): string => Math.abs(100 * share).toFixed(1)
const gapOf = ({ final }: Run): number => final.trainingAccuracy - final.validationAccuracy
const over = (count: number): string => (count === 1 ? 'one seed' : `${count} seeds`)

/** What a variant did against the baseline, over the same seeds; and where it does not help, that too. */
export function judge(
  kind: ComparisonKind,
  name: string,
  runs: readonly Run[],
  baseline: { readonly name: string; readonly runs: readonly Run[] } | null,
): Verdict {
  const gap = spreadOf(runs.map(gapOf))
  const diverged = runs.filter(run => run.reason === 'diverged').length
  if (diverged > 0)
    return {
      effect: 'failed',
      gap,
      text: `Diverged with ${diverged} of ${over(runs.length)}: the loss was no longer finite. The learning rate is too high for it.`,
    }
  if (baseline === null || baseline.runs.some(run => run.reason === 'diverged'))
    return { effect: 'baseline', gap, text: baselineText(kind, runs, gap) }
  const testDifference = differenceOf(
    runs.map(run => run.final.testAccuracy),
    baseline.runs.map(run => run.final.testAccuracy),
  )
  const gapDifference = differenceOf(runs.map(gapOf), baseline.runs.map(gapOf))
  const lossDifference = differenceOf(
    runs.map(run => Math.log(run.final.trainingLoss)),
    baseline.runs.map(run => Math.log(run.final.trainingLoss)),
  )
  if (runs.length < 3) {
    const [own, other] = [runs, baseline.runs].map(list => spreadOf(list.map(run => run.final.testAccuracy)).mean)
    const scores = `${(100 * own!).toFixed(1)} % of the test digits right, ${baseline.name} ${(100 * other!).toFixed(1)} %`
    return {
      effect: 'no clear difference',
      gap,
      testDifference,
      gapDifference,
      lossDifference,
      text: `${scores}: ${over(runs.length)} cannot tell whether that is chance.`,
    }
  }
  const found = { gap, testDifference, gapDifference, lossDifference }
  const measured = kind === 'optimizers' ? { ...lossDifference, mean: -lossDifference.mean } : testDifference
  const effect = !measured.clear ? 'no clear difference' : measured.mean > 0 ? 'helps' : 'hurts'
  const text =
    kind === 'optimizers'
      ? optimizerText(name, baseline.name, found, runs.length)
      : testText(kind, baseline.name, found, runs.length)
  return { ...found, effect, text }
}

function baselineText(kind: ComparisonKind, runs: readonly Run[], gap: Spread): string {
  const test = spreadOf(runs.map(run => run.final.testAccuracy)).mean
  const training = spreadOf(runs.map(run => run.final.trainingAccuracy)).mean
  const scores = `${(100 * training).toFixed(1)} % of the training digits right, ${(100 * test).toFixed(1)} % of the test digits`
  if (kind !== 'regularizers') return `The measure for the others: ${scores}.`
  return gap.mean > 0.03
    ? `Overfits: ${scores}, a gap of ${points(gap.mean)} points to validation.`
    : `Hardly overfits: ${scores}, a gap of ${points(gap.mean)} points to validation.`
}

type Found = Pick<Required<Verdict>, 'testDifference' | 'gapDifference' | 'lossDifference'>

function testText(
  kind: ComparisonKind,
  baseline: string,
  { testDifference: test, gapDifference: gap }: Found,
  seeds: number,
): string {
  const narrower = gap.mean < 0
  const gapWords = !gap.clear
    ? 'the gap is about as wide'
    : `the gap is ${points(gap.mean)} points ${narrower ? 'narrower' : 'wider'}`
  const accuracy = test.clear
    ? `Test accuracy ${test.mean > 0 ? 'rises' : 'falls'} by ${points(test.mean)} points`
    : `Test accuracy is not clearly other than ${baseline}’s (${test.mean < 0 ? '−' : '+'}${points(test.mean)} points over ${over(seeds)})`
  if (kind === 'schedules') return `${accuracy}.`
  if (test.clear && test.mean > 0) return `${accuracy}; ${gapWords}.`
  if (gap.clear && narrower)
    return `${accuracy}, though ${gapWords}: ${test.clear ? 'it fits the training digits less, and the test digits too' : 'mostly because it fits the training digits less'}.`
  return `${accuracy}; ${gapWords}: it does not help here.`
}

function optimizerText(
  name: string,
  baseline: string,
  { lossDifference: loss, testDifference: test }: Found,
  seeds: number,
): string {
  const factor = Math.exp(Math.abs(loss.mean))
  const times = factor >= 9.95 ? factor.toFixed(0) : factor.toFixed(1)
  const speed = loss.clear
    ? `Ends at a training loss ${times} times ${loss.mean < 0 ? 'lower' : 'higher'} than ${baseline}’s`
    : `Ends at about ${baseline}’s training loss`
  const accuracy = test.clear
    ? `test accuracy is ${points(test.mean)} points ${test.mean > 0 ? 'higher' : 'lower'}`
    : `test accuracy does not clearly differ (${over(seeds)})`
  const faster = loss.clear && loss.mean < 0 && !(test.clear && test.mean > 0)
  return `${speed}; ${accuracy}${faster ? `: ${name} fits faster, which by itself generalizes no better` : ''}.`
}

/** The comparison in a few sentences: what helps most, and what does not. */
export function summaryOf(kind: ComparisonKind, variants: readonly Variant[]): string[] {
  const accuracy = (v: Variant) => spreadOf(v.runs.map(run => run.final.testAccuracy)).mean
  const named = (list: readonly Variant[]) => list.map(v => v.name).join(', ')
  const ok = variants.filter(v => v.verdict.effect !== 'failed')
  const by = (effect: Verdict['effect']) => ok.filter(v => v.verdict.effect === effect)
  const failed = variants.filter(v => v.verdict.effect === 'failed')
  const sentences: string[] = []
  if (kind === 'optimizers') {
    const loss = (v: Variant) => spreadOf(v.runs.map(run => Math.log(run.final.trainingLoss))).mean
    const sorted = [...ok].sort((a, b) => loss(a) - loss(b))
    sentences.push(`Lowest training loss at the end, in this order: ${named(sorted)}.`)
    const best = [...ok].sort((a, b) => accuracy(b) - accuracy(a))
    sentences.push(
      `Highest test accuracy: ${best
        .slice(0, 3)
        .map(v => `${v.name} ${(100 * accuracy(v)).toFixed(1)} %`)
        .join(', ')}. How fast an optimizer fits and how well the result generalizes are two things.`,
    )
  } else {
    const helps = by('helps').sort((a, b) => accuracy(b) - accuracy(a))
    const base = by('baseline')[0]
    const gain = (v: Variant) => `${v.name} (+${points(v.verdict.testDifference!.mean)})`
    if (helps.length > 0)
      sentences.push(
        `Clearly better on test digits than ${base?.name ?? 'the baseline'}, in points: ${helps.map(gain).join(', ')}.`,
      )
    const same = by('no clear difference')
    if (same.length > 0) sentences.push(`No clear difference on test digits: ${named(same)}.`)
    const hurts = by('hurts')
    if (hurts.length > 0) sentences.push(`Worse on test digits: ${named(hurts)}.`)
    if (kind === 'regularizers') {
      const wide = ok.filter(
        v =>
          v.verdict.gapDifference !== undefined && !(v.verdict.gapDifference.clear && v.verdict.gapDifference.mean < 0),
      )
      sentences.push(
        wide.length === 0 ? 'Every one narrows the gap.' : `The gap is not clearly narrower with: ${named(wide)}.`,
      )
    }
  }
  if (failed.length > 0) sentences.push(`Diverged: ${named(failed)}.`)
  return sentences
}
