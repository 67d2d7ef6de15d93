/** A point of the unit square, x to the right and y down. */
export type Point = readonly [x: number, y: number]

/** One line of the pen: smooth through its points, or straight between them. */
export interface Stroke {
  readonly points: readonly Point[]
  readonly smooth: boolean
}

/** A way of writing a digit, and how often it is met, beside the other ways. */
export interface Shape {
  readonly weight: number
  readonly strokes: readonly Stroke[]
}

/** Points as pairs of hundredths: 'x y  x y  …'. */
function points(text: string): Point[] {
  const numbers = text.split(/\s+/).map(Number)
  return Array.from({ length: numbers.length / 2 }, (_, i) => [numbers[2 * i]! / 100, numbers[2 * i + 1]! / 100])
}
const curve = (text: string): Stroke => ({ points: points(text), smooth: true })
const lines = (text: string): Stroke => ({ points: points(text), smooth: false })
const shape = (weight: number, ...strokes: Stroke[]): Shape => ({ weight, strokes })

/** For each digit the ways in which people write it. Strokes that share a point stay joined when shapes tremble. */
export const digitShapes: readonly (readonly Shape[])[] = [
  [
    shape(4, curve('52 5  28 16  16 48  26 84  52 95  76 80  84 46  72 16  52 5')),
    shape(2, curve('58 4  34 14  20 46  22 78  44 95  68 84  82 50  78 18  52 6')),
    shape(1, curve('60 12  36 10  18 42  24 80  50 94  78 74  82 36  62 8  40 14')),
    shape(1, curve('36 16  18 44  24 80  50 95  78 78  84 42  68 12  46 6  32 20')),
    shape(1, curve('70 14  48 4  24 24  16 56  34 92  62 92  82 60  76 24  56 8')),
  ],
  [
    shape(7, lines('52 4  48 96')),
    shape(2, curve('54 4  52 36  49 66  46 96')),
    shape(1, lines('34 22  53 5  50 96')),
    shape(0.6, lines('28 26  52 6  50 94'), lines('26 95  50 94  74 95')),
  ],
  [
    shape(2, curve('20 28  32 9  60 6  76 24  66 48  42 72  18 93'), lines('18 93  82 92')),
    shape(3, curve('22 24  42 6  70 14  70 40  48 68  24 92  14 82  34 76  56 90  86 88')),
    shape(2, curve('24 18  50 5  74 22  58 54  22 90  50 88  86 94')),
    shape(1.5, curve('16 22  38 7  66 12  66 36  44 66  20 90  12 84  24 74  52 84  90 92')),
    shape(1, curve('18 14  46 6  76 10  62 44  38 72  14 94'), lines('14 94  88 94')),
    shape(1.5, curve('30 22  46 4  72 10  72 40  50 76  26 94  10 82  26 66  56 78  78 92')),
    shape(1, curve('36 14  54 4  62 16  52 46  34 78  20 92'), lines('20 92  92 84')),
  ],
  [
    shape(3, curve('22 16  48 5  72 20  62 42  40 48'), curve('40 48  68 54  80 74  56 94  20 86')),
    shape(1, lines('24 8  74 8  46 42'), curve('46 42  72 50  78 74  54 95  20 86')),
    shape(2, curve('20 12  50 4  70 22  46 46  74 60  72 86  44 96  20 90')),
    shape(1.5, curve('16 20  40 6  68 14  60 38  34 46'), curve('34 46  62 50  72 72  48 92  10 92')),
    shape(1.5, curve('26 14  56 4  78 16  64 36  40 44'), curve('40 44  62 48  66 66  44 86  14 94')),
    shape(1, curve('22 8  54 6  72 16  58 32  38 40'), curve('38 40  70 46  78 66  64 88  34 96')),
    shape(1, curve('20 16  50 6  66 24  52 44  40 48  50 46  72 62  66 86  40 95  16 82')),
  ],
  [
    shape(2, lines('28 6  20 54  80 52'), lines('68 12  62 96')),
    shape(0.7, lines('66 4  16 64  86 62'), lines('66 4  62 96')),
    shape(3, curve('24 8  20 36  34 52  68 46'), curve('74 6  68 50  62 96')),
    shape(2, curve('22 6  14 44  30 56  76 46'), curve('78 4  70 46  60 96')),
    shape(1, curve('36 4  22 30  16 52  40 56  84 48'), lines('62 26  58 96')),
    shape(1, curve('26 14  16 46  44 54  72 40'), curve('76 6  72 40  72 96')),
  ],
  [
    shape(3, lines('78 8  32 10  27 44'), curve('27 44  52 38  76 56  70 86  42 96  18 86')),
    shape(2, curve('30 10  27 44  58 42  76 66  58 92  20 90'), lines('30 10  78 6')),
    shape(2, curve('80 8  46 10  32 40  60 52  68 74  46 94  14 86')),
    shape(1, curve('86 6  54 10  40 14  32 38  56 52  62 74  40 92  12 84')),
    shape(1.5, lines('90 6  36 14  30 46'), curve('30 46  48 42  58 58  52 82  34 94  14 88')),
    shape(1, lines('82 4  34 12  32 46'), curve('32 46  66 48  72 68  50 88  10 96')),
    shape(1, curve('34 14  30 38  52 42  70 60  62 86  32 94  12 80'), curve('34 14  60 12  84 4')),
  ],
  [
    shape(3, curve('68 5  42 24  24 58  28 86  54 96  74 80  66 58  42 56  26 74')),
    shape(2, curve('50 4  32 34  24 70  42 95  68 88  70 64  48 56  27 70')),
    shape(2, curve('78 10  44 20  24 52  26 84  50 96  72 82  68 62  46 54  24 66')),
    shape(1.5, curve('60 4  36 32  20 66  34 94  66 92  82 72  64 54  38 70  36 90')),
    shape(1, curve('42 4  30 40  26 78  46 96  66 84  62 64  40 62  28 80')),
  ],
  [
    shape(3, lines('20 10  80 8  44 96')),
    shape(1.5, lines('20 10  80 8  46 96'), lines('36 52  74 50')),
    shape(2, curve('18 22  28 10  56 14  80 8'), curve('80 8  60 40  48 70  44 96')),
    shape(2, curve('16 18  46 10  74 10  80 20  64 54  54 96')),
    shape(1.5, curve('24 30  34 12  60 6  72 18  66 50  62 96')),
    shape(1, lines('18 28  22 12  72 10  58 96')),
    shape(1.5, lines('16 26  18 12'), curve('18 12  46 10  78 10'), curve('78 10  66 44  62 96')),
    shape(1, curve('14 16  44 14  82 6'), curve('82 6  64 36  50 66  40 96'), lines('34 50  78 46')),
  ],
  [
    shape(3, curve('66 14  40 6  28 24  46 44  70 60  74 84  50 96  28 84  34 62  56 44  72 26  66 12')),
    shape(
      1,
      curve('50 46  30 36  32 12  54 5  70 20  64 40  50 46'),
      curve('50 46  26 64  28 88  54 96  76 82  70 58  50 46'),
    ),
    shape(2, curve('72 10  42 6  32 30  66 62  60 94  34 90  36 62  70 30  74 10')),
    shape(1.5, curve('78 16  50 6  30 20  40 40  58 56  60 80  42 95  24 82  38 58  62 40  80 22')),
    shape(1.5, curve('76 20  62 6  34 8  30 30  52 48  58 70  48 92  32 88  34 68  54 46  84 10')),
    shape(1, curve('56 50  34 40  30 14  54 4  74 18  72 38  56 50  42 64  40 86  52 96  66 84  64 64  56 50')),
    shape(1, curve('60 6  36 14  40 36  62 56  64 84  44 96  28 80  40 56  64 34  62 10')),
  ],
  [
    shape(3, curve('72 26  52 6  28 20  30 44  54 50  72 28'), curve('72 26  68 60  58 96')),
    shape(2, curve('70 16  42 6  26 30  44 50  68 34  72 14'), lines('72 14  68 96')),
    shape(1.5, curve('70 22  48 5  26 24  40 48  66 40  72 20  70 62  54 92  28 94')),
    shape(2, curve('76 12  46 8  22 32  36 48  62 36  76 14'), curve('76 12  62 48  46 96')),
    shape(2, curve('70 10  40 10  24 34  36 52  62 44  72 12'), curve('72 12  66 50  64 96')),
    shape(1.5, curve('78 18  60 6  34 14  22 36  40 46  66 34  80 14'), curve('80 14  56 56  30 96')),
    shape(1.5, curve('66 8  34 16  26 40  48 50  70 36'), curve('74 6  70 36  66 66  62 96')),
    shape(1, curve('60 4  36 8  34 26  50 34  64 20  60 4'), curve('64 20  60 54  52 96')),
    shape(1, curve('74 18  54 4  30 14  26 38  46 46  68 30  76 12  70 54  68 96')),
  ],
]
