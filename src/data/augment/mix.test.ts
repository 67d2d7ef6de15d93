import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { layers, optimizers, sequential } from '../../index.js'
import { type Tensor, tensor } from '../../ir/index.js'
import { testDataset } from '../../testing/dataset.js'
import {
  type AugmentMap,
  cutmix,
  drawDigits,
  type Example,
  fromTensors,
  type MixOptions,
  mixup,
  mixupOrCutmix,
  smoothLabels,
} from '../index.js'

const [height, width, channels] = [6, 9, 2]
const pixels = channels * height * width
/** Image i is i + 1 everywhere and its label is i, so that a mixed image says where each pixel came from. */
const batch = (n: number) => ({
  x: tensor(
    Float32Array.from({ length: n * pixels }, (_, i) => 1 + Math.floor(i / pixels)),
    [n, channels, height, width],
  ),
  y: tensor(Int32Array.from({ length: n }, (_, i) => i)),
})
const rows = (t: Tensor): number[][] => {
  const n = t.shape[0]!
  const size = t.data.length / n
  return Array.from({ length: n }, (_, i) => Array.from(t.data.slice(i * size, (i + 1) * size) as Float32Array))
}
const first = { epoch: 0, index: 0 }
/** The one or two classes of a mixed target, with their shares; the example's own first. */
const sharesOf = (y: readonly number[], own: number) => {
  const partner = y.findIndex((share, c) => c !== own && share > 0)
  return { share: y[own]!, partner: partner === -1 ? own : partner }
}

const maps: [string, (options: MixOptions & { seed?: number }) => AugmentMap<Example>][] = [
  ['mixup', mixup],
  ['cutmix', cutmix],
  ['mixupOrCutmix', mixupOrCutmix],
]
describe.each(maps)('%s', (name, make) => {
  test('gives targets that sum to 1, over one or two classes, and leaves what it was given alone', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 8 }),
        fc.integer(),
        fc.nat(50),
        fc.constantFrom('batch', 'example'),
        (n, seed, epoch, per) => {
          const given = batch(n)
          const { x, y } = make({ seed, per: per as 'batch', classes: n + 2 })(given, { epoch, index: 3 })
          expect(given).toEqual(batch(n))
          expect([x.dtype, x.shape]).toEqual(['float32', given.x.shape])
          expect([y.dtype, y.shape]).toEqual(['float32', [n, n + 2]])
          for (const target of rows(y)) {
            expect(target.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 6)
            expect(target.filter(share => share > 0).length).toBeLessThanOrEqual(2)
          }
        },
      ),
      { numRuns: 50 },
    )
  })

  test('mixes pixels by the shares of the targets: blended, or an exact part of the area from the partner', () => {
    let [blended, cut, pure] = [0, 0, 0]
    for (let index = 0; index < 40; index++) {
      const { x, y } = make({ classes: 5, seed: 7 })(batch(5), { epoch: 1, index })
      const targets = rows(y)
      rows(x).forEach((image, own) => {
        const { share, partner } = sharesOf(targets[own]!, own)
        const [mine, other] = [own + 1, partner + 1]
        const distinct = [...new Set(image)]
        if (partner === own || share === 1) {
          pure++
          expect(distinct).toEqual([mine])
        } else if (distinct.length === 1 && distinct[0] !== other) {
          blended++
          expect(distinct[0]).toBeCloseTo(share * mine + (1 - share) * other, 5)
        } else {
          cut++
          expect(distinct.every(value => value === mine || value === other)).toBe(true)
          expect(image.filter(value => value === mine).length / pixels).toBeCloseTo(share, 6)
        }
      })
    }
    expect(pure).toBeGreaterThan(0)
    if (name !== 'mixup') expect(cut).toBeGreaterThan(60)
    if (name !== 'cutmix') expect(blended).toBeGreaterThan(60)
  })

  test('draws the same in the same epoch, other things in another, in another batch, and with another seed', () => {
    const run = (seed: number, epoch: number, index: number) =>
      Array.from(make({ seed, classes: 8 })(batch(8), { epoch, index }).y.data as Float32Array)
    expect(run(1, 2, 3)).toEqual(run(1, 2, 3))
    for (const other of [run(2, 2, 3), run(1, 3, 3), run(1, 2, 4)]) expect(other).not.toEqual(run(1, 2, 3))
  })

  test("per: 'batch' draws one share for all; per: 'example' one for each", () => {
    const spread = (per: 'batch' | 'example', index: number) => {
      const { y } = make({ per, classes: 8, seed: 3 })(batch(8), { epoch: 0, index })
      const shares = rows(y).map((target, own) => sharesOf(target, own))
      return new Set(shares.filter(({ partner }, own) => partner !== own).map(({ share }) => share.toFixed(6))).size
    }
    const spreads = (per: 'batch' | 'example') => Math.max(...[0, 1, 2, 3, 4].map(index => spread(per, index)))
    expect(spreads('batch')).toBe(1)
    expect(spreads('example')).toBeGreaterThan(3)
  })

  test('p is the share of examples that are mixed; p: 0 gives the batch with one-hot targets', () => {
    const none = make({ p: 0, classes: 3 })(batch(3), first)
    expect(none.x.data).toEqual(batch(3).x.data)
    expect(rows(none.y)).toEqual([
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
    ])
    const mixed = (p: number) => {
      let count = 0
      for (let index = 0; index < 30; index++) {
        const { y } = make({ p, classes: 40 })(batch(40), { epoch: 0, index })
        count += rows(y).filter((target, own) => target[own] !== 1).length
      }
      return count / 1200
    }
    expect(mixed(0.25) / mixed(1)).toBeCloseTo(0.25, 1)
  })

  test('a batch of one stays itself', () => {
    const { x, y } = make({ classes: 2 })(batch(1), first)
    expect(x.data).toEqual(batch(1).x.data)
    expect(rows(y)).toEqual([[1, 0]])
  })

  test('takes one-hot targets, and weights, and mixes both by the same share', () => {
    const n = 6
    const oneHot = Float32Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? 1 : 0))
    const weights = Float32Array.from({ length: n }, (_, i) => 10 ** i)
    const given = { ...batch(n), y: tensor(oneHot, [n, n]), sampleWeight: tensor(weights) }
    const made = make({ seed: 2 })(given, first)
    expect(rows(made.y)).toEqual(rows(make({ seed: 2, classes: n })(batch(n), first).y))
    rows(made.y).forEach((target, own) => {
      const { share, partner } = sharesOf(target, own)
      const weight = Number(made.sampleWeight.data[own])
      expect(weight / (share * 10 ** own + (1 - share) * 10 ** partner)).toBeCloseTo(1, 5)
    })
  })

  testDataset(() =>
    fromTensors(batch(24))
      .batch(4)
      .map(make({ classes: 24 })),
  )

  test('goes on in the middle of a shuffled epoch bit for bit', async () => {
    const data = fromTensors(batch(24))
      .shuffle({ seed: 1 })
      .batch(4)
      .map(make({ classes: 24 }))
    const whole = []
    const pass = data.iterate({ epoch: 3 })
    for (let i = 0; i < 3; i++) await pass.next()
    const position = JSON.parse(JSON.stringify(pass.position()))
    for await (const element of pass) whole.push(element)
    const rest = []
    for await (const element of data.iterate({ position })) rest.push(element)
    expect(rest).toEqual(whole)
    expect(rest).toHaveLength(3)
  })
})

test('as alpha nears 0 nothing is mixed: every example is itself or its partner, whole', () => {
  const { x, y } = mixup({ alpha: 1e-6, classes: 200 })(batch(200), first)
  for (const target of rows(y)) expect(Math.max(...target)).toBeCloseTo(1, 6)
  for (const image of rows(x)) expect(image[0]).toBeCloseTo(Math.round(image[0]!), 3)
})

test('cutmix with alpha 1 keeps a mean of about three fifths: what lies outside is cut off', () => {
  // Mean kept area for a continuous square image: 1 − E[((1−λ) of the box inside)], here by counting pixels.
  let total = 0
  let count = 0
  for (let index = 0; index < 60; index++) {
    const { x, y } = cutmix({ classes: 20 })(batch(20), { epoch: 0, index })
    rows(x).forEach((image, own) => {
      const { partner } = sharesOf(rows(y)[own]!, own)
      if (partner === own) return
      total += image.filter(value => value === own + 1).length / pixels
      count++
    })
  }
  expect(total / count).toBeGreaterThan(0.6)
  expect(total / count).toBeLessThan(0.8)
})

test('several inputs and targets are mixed alike; `input` says which inputs', () => {
  const n = 5
  const { x: image, y } = batch(n)
  const scalars = tensor(
    Float32Array.from({ length: n }, (_, i) => i + 1),
    [n, 1],
  )
  const given = { x: { image, scalars }, y: { digit: y, value: scalars } }
  const all = mixup({ classes: { digit: n } })(given, first)
  rows(all.x.scalars).forEach((row, i) => {
    expect(row[0]).toBeCloseTo(rows(all.x.image)[i]![0]!, 5)
    expect(rows(all.y.value)[i]).toEqual(row)
  })
  expect(all.y.digit.shape).toEqual([n, n])
  const cut = cutmix({ classes: { digit: n }, input: 'image' })(given, first)
  expect(cut.x.scalars).toBe(scalars)
  expect(cut.x.image.data).not.toEqual(image.data)
  expect(() => cutmix({ classes: { digit: n } })(given, first)).toThrow(expect.objectContaining({ code: 'image-rank' }))
  expect(() => mixup({ classes: { digits: n } })(given, first)).toThrow(
    expect.objectContaining({ code: 'unknown-output', received: 'digits' }),
  )
  expect(() => mixup({ input: 'picture' })(given, first)).toThrow(
    expect.objectContaining({ code: 'unknown-input', hint: 'did you mean image?' }),
  )
})

test('cutmix takes bytes as they are; mixup refuses them', () => {
  const bytes = {
    ...batch(4),
    x: tensor(Uint8Array.from(batch(4).x.data as Float32Array), [4, channels, height, width]),
  }
  expect(cutmix({ classes: 4 })(bytes, first).x.dtype).toBe('uint8')
  expect(() => mixup({ classes: 4 })(bytes, first)).toThrow(expect.objectContaining({ code: 'image-dtype' }))
})

test('smoothLabels spreads a share over all classes, for one example and for a batch', () => {
  const smooth = smoothLabels({ classes: 4, smoothing: 0.2 })
  const x = tensor([0])
  expectRows(smooth({ x, y: tensor(Int32Array.of(2), []) }, first).y, [[0.05, 0.05, 0.85, 0.05]])
  const two = tensor(BigInt64Array.of(1n, 0n))
  expectRows(smooth({ x, y: two }, first).y, [
    [0.05, 0.85, 0.05, 0.05],
    [0.85, 0.05, 0.05, 0.05],
  ])
  expectRows(smoothLabels({ smoothing: 1 })({ x, y: tensor([[0, 1]]) }, first).y, [[0.5, 0.5]])
  expectRows(smoothLabels()({ x, y: tensor([0, 1]) }, first).y, [[0.05, 0.95]])
})

function expectRows(t: Tensor, wanted: number[][]) {
  const flat = Array.from(t.data as Float32Array)
  expect(flat).toHaveLength(wanted.flat().length)
  flat.forEach((value, i) => {
    expect(value).toBeCloseTo(wanted.flat()[i]!, 6)
  })
}

test('refuses options out of range, all at once', () => {
  for (const alpha of [0, -1, Number.NaN, Number.POSITIVE_INFINITY])
    expect(() => mixup({ alpha })).toThrow(expect.objectContaining({ name: 'ConfigError', where: 'mixup.alpha' }))
  expect(() => cutmix({ p: 1.5, classes: 1 })).toThrow(
    expect.objectContaining({
      problems: expect.arrayContaining([
        expect.objectContaining({ where: 'cutmix.p' }),
        expect.objectContaining({ where: 'cutmix.classes' }),
      ]),
    }),
  )
  expect(() => mixupOrCutmix({ mixupAlpa: 1 } as object)).toThrow(
    expect.objectContaining({ code: 'unknown-option', hint: 'did you mean mixupAlpha?' }),
  )
  expect(() => smoothLabels({ smoothing: -0.1 })).toThrow(expect.objectContaining({ where: 'smoothLabels.smoothing' }))
})

test('refuses what cannot be mixed', () => {
  const mix =
    (element: Example, options: MixOptions = { classes: 3 }) =>
    () =>
      mixup(options)(element, first)
  const { x, y } = batch(3)
  const refused: [() => unknown, object][] = [
    [mix({ x }), { code: 'missing-data' }],
    [
      mix({ x, y }, {}),
      { code: 'target-dtype', hint: 'for class numbers say how many classes there are: { classes: 10 }' },
    ],
    [mix({ x, y: tensor(Int32Array.of(0, 1, 3)) }), { code: 'label-out-of-range', received: 3 }],
    [mix({ x, y: tensor(Int32Array.of(0, -1, 1)) }), { code: 'label-out-of-range', received: -1 }],
    [mix({ x, y: tensor(Float32Array.of(0, 0.5, 1)) }), { code: 'label-out-of-range', received: 0.5 }],
    [mix({ x, y: tensor(new Float32Array(12), [3, 4]) }), { code: 'target-shape' }],
    [mix({ x, y: tensor(Int32Array.of(0, 1)) }), { code: 'example-count' }],
    [mix({ x, y, sampleWeight: tensor([1]) }), { code: 'example-count' }],
    [mix({ x: tensor([1, 2, 3]), y }), { code: 'not-a-batch', hint: 'call batch before this map' }],
    [mix({ x: tensor([[1], [2], [3]], [3, 1], 'int32'), y }), { code: 'image-dtype' }],
    [mix([1] as unknown as Example), { code: 'not-an-example' }],
    [() => cutmix({ classes: 3 })({ x: tensor([[1], [2], [3]]), y }, first), { code: 'image-rank' }],
  ]
  for (const [call, error] of refused) expect(call).toThrow(expect.objectContaining(error))
})

test('a network learns digits from mixed batches with soft targets', async () => {
  const { images, labels } = drawDigits(600, { seed: 4 })
  const x = tensor(
    Float32Array.from(images.data as Uint8Array, v => v / 255),
    [600, 1, 28, 28],
  )
  const y = tensor(Int32Array.from(labels.data as Uint8Array))
  const train = fromTensors({ x, y })
    .shuffle({ seed: 1 })
    .batch(50)
    .map(mixupOrCutmix({ classes: 10, p: 0.8 }))
  const model = sequential([
    layers.flatten({ inputShape: [1, 28, 28] }),
    layers.dense({ units: 32, activation: 'relu' }),
    layers.dense({ units: 10, activation: 'softmax' }),
  ])
  model.compile({
    optimizer: optimizers.adam({ learningRate: 0.005 }),
    loss: 'categoricalCrossentropy',
    metrics: ['accuracy'],
  })
  const history = await model.fit(train, { epochs: 8, verbose: 0 })
  const { loss } = history.history as { loss: number[] }
  expect(loss.at(-1)).toBeLessThan(loss[0]! * 0.8)
  const plain = fromTensors({ x, y })
    .batch(50)
    .map(smoothLabels({ classes: 10, smoothing: 0 }))
  expect((await model.evaluate(plain)).accuracy).toBeGreaterThan(0.85)
})
