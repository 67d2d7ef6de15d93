export type Curve = 'ROC' | 'PR'

/**
 * The exact area under a curve from every score of an epoch; labels above ½ are positive. Ties of scores move together.
 * ROC is the trapezoidal area (the Mann–Whitney statistic), PR the average precision (as scikit-learn's).
 * NaN where one of the classes is missing.
 */
export function areaUnderCurve(
  scores: Float64Array,
  labels: Float64Array,
  weights: Float64Array,
  curve: Curve,
): number {
  const order = Uint32Array.from(scores, (_, i) => i).sort((a, b) => scores[b]! - scores[a]!)
  let [positives, negatives] = [0, 0]
  for (let i = 0; i < labels.length; i++) {
    if (labels[i]! > 0.5) positives += weights[i]!
    else negatives += weights[i]!
  }
  if (positives === 0 || (negatives === 0 && curve === 'ROC')) return Number.NaN
  let [tp, fp, area] = [0, 0, 0]
  for (let i = 0; i < order.length; ) {
    const [tpBefore, fpBefore] = [tp, fp]
    const score = scores[order[i]!]!
    for (; i < order.length && scores[order[i]!] === score; i++) {
      const at = order[i]!
      if (labels[at]! > 0.5) tp += weights[at]!
      else fp += weights[at]!
    }
    if (curve === 'ROC') area += ((fp - fpBefore) * (tp + tpBefore)) / 2
    else if (tp + fp > 0) area += (tp - tpBefore) * (tp / (tp + fp))
  }
  return curve === 'ROC' ? area / (positives * negatives) : area / positives
}
