import type { LineChart } from './record.js'

export type Theme = 'light' | 'dark'

// Okabe and Ito's palette: told apart by colour-blind readers too; the first and the last differ by theme.
const palettes: Record<Theme, readonly string[]> = {
  light: ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#8a6d00', '#56b4e9'],
  dark: ['#56b4e9', '#ff8c42', '#2fd3a2', '#e59cc5', '#f0e442', '#9ad0ff'],
}
const inks: Record<Theme, { text: string; faint: string; grid: string }> = {
  light: { text: '#1d2433', faint: '#5b6577', grid: '#e3e7ee' },
  dark: { text: '#e8ebf2', faint: '#9aa4b8', grid: '#2c3445' },
}

/** A chart as an SVG string of its own, drawn by ECharts without a browser. */
export async function chartSvg(chart: LineChart, theme: Theme, { width = 620, height = 360 } = {}): Promise<string> {
  const echarts = await import('echarts')
  const ink = inks[theme]
  const instance = echarts.init(null, null, { renderer: 'svg', ssr: true, width, height })
  // No double quotes: ECharts writes the names into attributes as they are.
  const font = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
  const axis = (name: string, gap: number) => ({
    name,
    nameLocation: 'middle' as const,
    nameGap: gap,
    nameTextStyle: { color: ink.faint, fontSize: 12 },
    axisLabel: { color: ink.faint, fontSize: 11 },
    axisLine: { lineStyle: { color: ink.grid } },
    splitLine: { lineStyle: { color: ink.grid } },
  })
  instance.setOption({
    animation: false,
    textStyle: { fontFamily: font, color: ink.text },
    title: {
      text: chart.title,
      left: 0,
      top: 0,
      textStyle: { fontSize: 15, fontWeight: 600, color: ink.text, fontFamily: font },
    },
    legend: {
      top: 26,
      left: 0,
      itemWidth: 26,
      itemHeight: 8,
      textStyle: { color: ink.text, fontSize: 11 },
      lineStyle: { width: 2 },
    },
    grid: { left: 56, right: 16, top: 84, bottom: 44 },
    xAxis: {
      type: chart.xLog ? 'log' : 'value',
      min: 'dataMin',
      max: 'dataMax',
      ...axis(chart.xLabel, 26),
      ...(chart.xLog ? { axisLabel: { color: ink.faint, fontSize: 11, formatter: powerOfTen } } : {}),
    },
    yAxis: {
      type: chart.yLog ? 'log' : 'value',
      scale: true,
      ...(chart.yRange === undefined ? {} : { min: chart.yRange[0], max: chart.yRange[1] }),
      ...axis(chart.yLabel, 42),
    },
    series: chart.series.map((series, i) => ({
      type: 'line' as const,
      name: series.name,
      data: series.points.map(point => [...point]),
      showSymbol: series.points.length === 1,
      ...(series.points.length === 1 ? {} : { symbol: 'none' }),
      lineStyle: { width: 2, type: series.dashed ? ('dashed' as const) : ('solid' as const) },
      color: palettes[theme][(series.group ?? i) % palettes[theme].length],
      ...(i === 0 && chart.marks !== undefined ? { markLine: markLines(chart.marks, ink) } : {}),
    })),
  })
  const svg = instance.renderToSVGString()
  instance.dispose()
  return svg
}

/** Names whole powers of ten; the ends of an axis that lie between them stay bare. */
function powerOfTen(value: number): string {
  const power = Math.log10(value)
  if (Math.abs(power - Math.round(power)) > 1e-6) return ''
  return `10${[...String(Math.round(power))].map(digit => '⁰¹²³⁴⁵⁶⁷⁸⁹'[Number(digit)] ?? '⁻').join('')}`
}

const markLines = (marks: NonNullable<LineChart['marks']>, ink: { text: string }) => ({
  symbol: 'none',
  silent: true,
  precision: 15, // ECharts would round places to two decimals
  lineStyle: { type: 'dotted' as const, width: 1.5, color: ink.text },
  label: { formatter: '{b}', color: ink.text, fontSize: 11 },
  data: marks.map(mark => ({ xAxis: mark.x, name: mark.label })),
})
