/** Whole recipes: data in, trained models and reports out. */
export { type Report, reportHtml, reportText } from '../report/index.js'
export * from './compare/index.js'
export * from './compare-samplers/index.js'
export {
  type QuickstartOptions,
  type QuickstartResult,
  quickstart,
  quickstartReport,
  variantTable,
} from './quickstart.js'
