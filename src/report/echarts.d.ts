// The same library in one file: loads five times as fast as its thousand modules.
declare module 'echarts/dist/echarts.esm.min.mjs' {
  export * from 'echarts'
}
